#include "client/cli/measure.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "base/files.h"
#include "base/hex.h"
#include "base/hex_number.h"
#include "base/strings.h"
#include "client/cli/table.h"
#include "evidence/dcap/launch_measurement.h"
#include "evidence/dcap/tdvf.h"
#include "evidence/tcg_log/authenticate.h"
#include "evidence/tcg_log/event_log.h"

namespace assay::cli {
namespace {

constexpr std::string_view kScope =
    "MRTD covers the content of the sections marked as measured; of all others that are added at launch, the addresses alone.\n"
    "What a boot takes from elsewhere (variables, kernel, initrd, command line) goes into the RTMRs.";
constexpr std::string_view kLogScope =
    "The RTMRs are what this log replays to. It is a list that a guest kept: take it from a machine that you control, booted as the others shall be.";

struct Order {
  std::string_view option;  // of --page-add-order
  std::string_view member;
  dcap::PageAddOrder order;
  std::string_view meaning;
};
constexpr Order kOrders[] = {
    {"single", "single_pass", dcap::PageAddOrder::kSinglePass,
     "each page is added and measured before the next: mainline KVM (Linux 6.16) and QEMU"},
    {"two-pass", "two_pass", dcap::PageAddOrder::kTwoPass, "all pages of a section are added, then measured: some earlier KVM and QEMU"},
};

struct Measured {
  const Order* order;
  std::string mrtd;
};

using Rtmrs = std::array<Bytes, tcg_log::kRtmrs>;

// nullopt: no such log was given.
absl::StatusOr<Outcome<std::optional<Rtmrs>>> RtmrsOf(const std::string& file) {
  if (file.empty()) return Outcome<std::optional<Rtmrs>>(std::optional<Rtmrs>());
  absl::StatusOr<Bytes> bytes = ReadFile("--ccel", file);
  if (!bytes.ok()) return bytes.status();
  CheckLog log;
  const auto parsed = tcg_log::EventLogParser::Parse(trust::UntrustedBytes(*std::move(bytes)), tcg_log::Registers::kRtmrs, log);
  std::optional<Rtmrs> rtmrs;
  if (parsed) rtmrs = tcg_log::EventLogAuthenticator::Predict(*parsed, log);
  if (!rtmrs) return Outcome<std::optional<Rtmrs>>(log.findings());
  return Outcome<std::optional<Rtmrs>>(std::move(rtmrs));
}

json::Value ToTree(const std::string& file, ByteView image, const std::vector<dcap::TdvfSection>& sections,
                   const std::vector<Measured>& measured, const std::optional<Rtmrs>& rtmrs) {
  using json::Value;
  Value tree = Value::MakeObject();
  Value& firmware = tree.Add("firmware", Value::MakeObject());
  firmware.Add("file", Value::String(Printable(file, 4096)));
  firmware.Add("size", Value::Integer(image.size()));
  firmware.Add("sha256", Value::String(ToHex(crypto::Sha256(image))));
  Value& mrtd = tree.Add("mrtd", Value::MakeObject());
  for (const Measured& one : measured) mrtd.Add(one.order->member, Value::String(one.mrtd));
  if (rtmrs) {
    for (std::size_t i = 0; i < rtmrs->size(); ++i) tree.Add(Cat("rtmr", i), Value::String(ToHex((*rtmrs)[i])));
  }
  Value& list = tree.Add("sections", Value::MakeArray());
  for (const dcap::TdvfSection& section : sections) {
    Value& entry = list.Append(Value::MakeObject());
    entry.Add("type", Value::String(NameOf(section.type)));
    entry.Add("memory_address", Value::String(HexNumber(section.memory_address)));
    entry.Add("memory_size", Value::Integer(section.memory_size));
    entry.Add("data_offset", Value::Integer(section.data_offset));
    entry.Add("data_size", Value::Integer(section.data.size()));
    entry.Add("added", Value::Bool(section.added));
    entry.Add("measured", Value::Bool(section.measured));
  }
  return tree;
}

std::string WhatMrtdCovers(const dcap::TdvfSection& section) {
  if (section.measured) return "measured";
  return section.added ? "address only" : "nothing: added later";
}

void Print(ByteView image, const std::vector<dcap::TdvfSection>& sections, const std::vector<Measured>& measured,
           const std::optional<Rtmrs>& rtmrs, const Invocation& invocation) {
  Table values;
  for (const Measured& one : measured) values.Add({Cat("mrtd ", one.order->option), one.mrtd});
  for (std::size_t i = 0; rtmrs && i < rtmrs->size(); ++i) values.Add({Cat("rtmr", i), ToHex((*rtmrs)[i])});
  invocation.out << values.ToText();
  for (const Measured& one : measured) invocation.out << invocation.style.Faint(Cat(one.order->option, ": ", one.order->meaning)) << '\n';
  invocation.out << "\nfirmware of " << image.size() << " bytes, SHA-256 " << ToHex(crypto::Sha256(image)) << '\n';
  Table table({"SECTION", "ADDRESS", "SIZE", "DATA IN IMAGE", "IN MRTD"});
  for (const dcap::TdvfSection& section : sections) {
    table.Add({std::string(NameOf(section.type)), HexNumber(section.memory_address), HexNumber(section.memory_size),
               section.data.empty() ? "none" : Cat(HexNumber(section.data.size()), " at ", HexNumber(section.data_offset)),
               WhatMrtdCovers(section)});
  }
  invocation.out << table.ToText("  ") << '\n' << invocation.style.Faint(kScope) << '\n';
  if (rtmrs) invocation.out << invocation.style.Faint(kLogScope) << '\n';
}

}  // namespace

ExitCode MeasureTdx(const MeasureTdxOptions& options, const Invocation& invocation) {
  const absl::StatusOr<Bytes> image = ReadFile("--firmware", options.firmware);
  if (!image.ok()) return invocation.Fail(image.status());
  const Outcome<std::vector<dcap::TdvfSection>> sections = dcap::ReadTdvf(*image);
  if (!sections) {
    for (const Finding& finding : sections.findings()) {
      invocation.Say(Cat("--firmware '", Printable(options.firmware), "': ", Describe(finding)));
    }
    return ExitCode::kMalformed;
  }
  const absl::StatusOr<Outcome<std::optional<Rtmrs>>> rtmrs = RtmrsOf(options.ccel);
  if (!rtmrs.ok()) return invocation.Fail(rtmrs.status());
  if (!*rtmrs) {
    for (const Finding& finding : rtmrs->findings()) invocation.Say(Cat("--ccel '", Printable(options.ccel), "': ", Describe(finding)));
    return ExitCode::kMalformed;
  }
  std::vector<Measured> measured;
  for (const Order& order : kOrders) {
    if (options.page_add_order.empty() || options.page_add_order == order.option) {
      measured.push_back({&order, ToHex(dcap::Mrtd(*sections, order.order))});
    }
  }
  if (options.output == OutputFormat::kTable) Print(*image, *sections, measured, **rtmrs, invocation);
  else invocation.out << Structured(options.output, ToTree(options.firmware, *image, *sections, measured, **rtmrs));
  return ExitCode::kOk;
}

}  // namespace assay::cli
