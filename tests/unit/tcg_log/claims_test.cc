// Claims of logs that replay to a quote: what stands on digests, and how whoever writes the log might get round it.
#include "evidence/tcg_log/claims.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "base/strings.h"
#include "tests/places/places.h"
#include "tests/unit/tcg_log/bound_log.h"
#include "tests/unit/tcg_log/plain_log.h"

namespace assay::tcg_log {
namespace {

using test::Measured;
using test::PlainLog;

trust::Bundle BundleOf(const PlainLog& log) {
  CheckLog checks;
  auto bundle = test::Bind(log.Write(), log.Rtmrs(), checks);
  ASSAY_CHECK(bundle.has_value());
  return *std::move(bundle);
}
// Of the log as whoever keeps it tells it, on the registers of what happened.
trust::Bundle Forged(const PlainLog& happened, const PlainLog& told) {
  CheckLog checks;
  auto bundle = test::Bind(told.Write(), happened.Rtmrs(), checks);
  ASSAY_CHECK(bundle.has_value());
  return *std::move(bundle);
}
std::string TextOf(const trust::Bundle& bundle, std::string_view claim) {
  const auto* text = bundle.claims().Get<std::string>(claim);
  return text == nullptr ? "absent" : *text;
}
Bytes OctetsOf(const trust::Bundle& bundle, std::string_view claim) {
  const auto* octets = bundle.claims().Get<Bytes>(claim);
  return octets == nullptr ? Bytes() : *octets;
}
Bytes Sha384(const Bytes& bytes) { return ToBytes(crypto::Sha384(bytes)); }

TEST(LogClaims, ReadmeListsWhatMustBeAppraised) {
  std::ifstream file(assay::test::SourceDir() + "/server/evidence/tcg_log/README.md");
  std::stringstream text;
  text << file.rdbuf();
  const std::string readme = text.str();
  const std::string begin = "<!-- must-appraise: begin -->\n";
  const auto from = readme.find(begin);
  const auto to = readme.find("<!-- must-appraise: end -->");
  ASSERT_NE(from, std::string::npos);
  ASSERT_NE(to, std::string::npos);
  std::string expected;
  for (const evidence::ClaimSpec& claim : ClaimTable()) {
    if (claim.duty == evidence::Duty::kOptional) continue;
    expected += Cat("- ", claim.name, claim.duty == evidence::Duty::kMustOrWaive ? " (waivable)" : "", "\n");
  }
  EXPECT_EQ(readme.substr(from + begin.size(), to - from - begin.size()), expected);
}

TEST(LogClaims, TableIsSortedUniqueAndDescribed) {
  const auto claims = ClaimTable();
  for (std::size_t i = 0; i < claims.size(); ++i) {
    EXPECT_TRUE(claims[i].name.starts_with("log."));
    EXPECT_FALSE(claims[i].meaning.empty());
    if (i > 0) { EXPECT_LT(claims[i - 1].name, claims[i].name); }
  }
}

TEST(LogClaims, OfABoot) {
  const PlainLog log = test::BootLog();
  const trust::Bundle bundle = BundleOf(log);
  EXPECT_EQ(TextOf(bundle, "log.secure_boot"), "true");
  EXPECT_EQ(TextOf(bundle, "log.kernel_cmdline"), "/vmlinuz root=/dev/vda ro");
  EXPECT_EQ(*bundle.claims().Get<std::uint64_t>("log.extend_count"), test::kBootEvents);
  EXPECT_EQ(OctetsOf(bundle, "log.pk"), Sha384(log.events[test::kPk].data));
  EXPECT_EQ(OctetsOf(bundle, "log.kek"), Sha384(log.events[test::kKek].data));
  EXPECT_EQ(OctetsOf(bundle, "log.db"), Sha384(log.events[test::kDb].data));
  EXPECT_EQ(OctetsOf(bundle, "log.dbx"), Sha384(log.events[test::kDbx].data));
  EXPECT_EQ(OctetsOf(bundle, "log.firmware_inputs"),
            log.Replay(1, {test::kSecureBoot, test::kPk, test::kKek, test::kDb, test::kDbx, test::kSeparator0}));
  EXPECT_EQ(OctetsOf(bundle, "log.boot_applications"),
            log.Replay(2, {test::kCalling, test::kSeparator1, test::kGpt, test::kExit, test::kExited}));
  EXPECT_EQ(OctetsOf(bundle, "log.boot_files"), log.Replay(3, {test::kCommandLine}));
  for (const trust::Claim& claim : bundle.claims().all()) {
    if (!claim.name.starts_with("log.")) continue;
    EXPECT_EQ(claim.component, "event-log");
    EXPECT_TRUE(std::any_of(ClaimTable().begin(), ClaimTable().end(), [&](const auto& spec) { return spec.name == claim.name; }))
        << claim.name;
  }
}

TEST(LogClaims, OfALogWithoutEvents) {
  const trust::Bundle bundle = BundleOf(PlainLog{});
  EXPECT_EQ(TextOf(bundle, "log.secure_boot"), "unknown");
  EXPECT_EQ(*bundle.claims().Get<std::uint64_t>("log.extend_count"), 0U);
  std::size_t claims = 0;
  for (const trust::Claim& claim : bundle.claims().all()) claims += claim.name.starts_with("log.");
  EXPECT_EQ(claims, 2U);  // nothing stands for what did not happen
}

struct SecureBoot {
  const char* name;
  void (*change)(PlainLog&);
  const char* value;
};

TEST(LogClaims, SecureBootIsKnownOnlyIfMeasuredOnceByTheFirmware) {
  using test::Variable;
  for (const SecureBoot& c : {
           SecureBoot{"on", [](PlainLog&) {}, "true"},
           SecureBoot{
               "off",
               [](PlainLog& log) { log.events[test::kSecureBoot] = Variable(test::kGlobal, "SecureBoot", std::string_view("\0", 1)); },
               "false"},
           SecureBoot{"empty", [](PlainLog& log) { log.events[test::kSecureBoot] = Variable(test::kGlobal, "SecureBoot", ""); }, "unknown"},
           SecureBoot{"two bytes", [](PlainLog& log) { log.events[test::kSecureBoot] = Variable(test::kGlobal, "SecureBoot", "\x01\x01"); },
                      "unknown"},
           SecureBoot{"another value", [](PlainLog& log) { log.events[test::kSecureBoot] = Variable(test::kGlobal, "SecureBoot", "\x02"); },
                      "unknown"},
           SecureBoot{"another vendor's",
                      [](PlainLog& log) { log.events[test::kSecureBoot] = Variable(test::kSecurity, "SecureBoot", "\x01"); }, "unknown"},
           SecureBoot{"another name", [](PlainLog& log) { log.events[test::kSecureBoot] = Variable(test::kGlobal, "SecureBoots", "\x01"); },
                      "unknown"},
           SecureBoot{"data that do not hash to the digest", [](PlainLog& log) { log.events[test::kSecureBoot].measured = {1}; },
                      "unknown"},
           SecureBoot{"twice", [](PlainLog& log) { log.events.insert(log.events.begin() + test::kPk, log.events[test::kSecureBoot]); },
                      "unknown"},
           SecureBoot{"in another register", [](PlainLog& log) { log.events[test::kSecureBoot].index = 2; }, "unknown"},
           SecureBoot{"not measured", [](PlainLog& log) { log.events[test::kSecureBoot].type = 3; }, "unknown"},
           SecureBoot{"behind the separator",
                      [](PlainLog& log) {
                        std::rotate(log.events.begin() + test::kSecureBoot, log.events.begin() + test::kSecureBoot + 1,
                                    log.events.begin() + test::kAcpi);
                      },
                      "unknown"},
           SecureBoot{"no separator", [](PlainLog& log) { log.events[test::kSeparator0].data = {2}; }, "unknown"},
           SecureBoot{"separator of an error",
                      [](PlainLog& log) {
                        log.events[test::kSeparator0].data = {1, 0, 0, 0};
                      },
                      "true"},
           SecureBoot{"debug mode",
                      [](PlainLog& log) { log.events.insert(log.events.begin(), Measured(1, 0x80000007, "UEFI Debug Mode")); }, "unknown"},
       }) {
    PlainLog log = test::BootLog();
    c.change(log);
    EXPECT_EQ(TextOf(BundleOf(log), "log.secure_boot"), c.value) << c.name;
  }
}

// The guest extends RTMR0 with what a firmware with Secure Boot would have measured, and calls the separator something else.
TEST(LogClaims, SecureBootCanNotBeForgedBehindTheSeparator) {
  PlainLog happened = test::BootLog();
  happened.events[test::kSecureBoot] = test::Variable(test::kGlobal, "SecureBoot", std::string_view("\0", 1));
  happened.events.push_back(test::Variable(test::kGlobal, "SecureBoot", "\x01"));
  PlainLog told = happened;
  told.events[test::kSecureBoot].measured = told.events[test::kSecureBoot].data;
  told.events[test::kSecureBoot].data = ToBytes(AsBytes("harmless"));
  told.events[test::kSeparator0].measured = told.events[test::kSeparator0].data;
  told.events[test::kSeparator0].data = ToBytes(AsBytes("harmless"));
  told.events[test::kSeparator0].type = 0x0D;
  told.events.push_back(test::Separator(1));
  happened.events.push_back(test::Separator(1));
  EXPECT_EQ(TextOf(Forged(happened, told), "log.secure_boot"), "unknown");
}

// An image that was loaded stays in the replay, whatever the log calls it.
TEST(LogClaims, NoLabelHidesABootApplication) {
  PlainLog happened = test::BootLog();
  happened.events[test::kGrub].measured = ToBytes(AsBytes("MZ evil"));
  const Bytes honest = OctetsOf(BundleOf(happened), "log.boot_applications");
  EXPECT_NE(honest, OctetsOf(BundleOf(test::BootLog()), "log.boot_applications"));
  for (const std::uint32_t type : {4U, 5U, 0x80000006U, 0x80000007U, 0xDU}) {
    PlainLog told = happened;
    told.events[test::kGrub].type = type;
    for (const std::string_view data : {"Exit Boot Services Invocation", "EFI PART", "MZ evil"}) {
      told.events[test::kGrub].data = ToBytes(AsBytes(data));
      EXPECT_EQ(OctetsOf(Forged(happened, told), "log.boot_applications"), honest) << type << data;
    }
  }
}

// Tables that the host gave the firmware stay, even if they are made to look like a variable.
TEST(LogClaims, NoLabelHidesAFirmwareInput) {
  PlainLog happened = test::BootLog();
  happened.events[test::kAcpi].measured = test::VariableData(test::kGlobal, "evil", "tables");
  PlainLog told = happened;
  told.events[test::kAcpi].type = 0x80000001;
  told.events[test::kAcpi].data = happened.events[test::kAcpi].measured;
  const Bytes honest = OctetsOf(BundleOf(happened), "log.firmware_inputs");
  EXPECT_EQ(OctetsOf(Forged(happened, told), "log.firmware_inputs"), honest);
  EXPECT_NE(honest, OctetsOf(BundleOf(test::BootLog()), "log.firmware_inputs"));
  // Not even like one of those that have claims: behind the separator none counts.
  happened.events[test::kAcpi].measured = test::VariableData(test::kSecurity, "dbx", "evil");
  told.events[test::kAcpi].measured = told.events[test::kAcpi].data = happened.events[test::kAcpi].measured;
  EXPECT_EQ(OctetsOf(Forged(happened, told), "log.firmware_inputs"), OctetsOf(BundleOf(happened), "log.firmware_inputs"));
}

TEST(LogClaims, KernelCommandLineIsThereOnlyIfMeasuredOnce) {
  struct Changed {
    const char* name;
    void (*change)(PlainLog&);
    bool there;
  };
  for (const Changed& c : {
           Changed{"as GRUB writes it", [](PlainLog&) {}, true},
           Changed{"data that do not hash to the digest", [](PlainLog& log) { log.events[test::kCommandLine].measured = {1}; }, false},
           Changed{"prefix measured as well", [](PlainLog& log) { log.events[test::kCommandLine].measured.clear(); }, false},
           Changed{"another type", [](PlainLog& log) { log.events[test::kCommandLine].type = 5; }, false},
           Changed{"another register", [](PlainLog& log) { log.events[test::kCommandLine].index = 4; }, false},
           Changed{"no zero at its end", [](PlainLog& log) { log.events[test::kCommandLine].data.back() = '.'; }, false},
           Changed{"twice", [](PlainLog& log) { log.events.push_back(test::CommandLine("/other")); }, false},
           Changed{"empty",
                   [](PlainLog& log) {
                     log.events[test::kCommandLine] = {3, 0x0D, ToBytes(AsBytes(std::string_view("kernel_cmdline: \0", 17)))};
                   },
                   false},
           Changed{"control characters", [](PlainLog& log) { log.events[test::kCommandLine] = test::CommandLine("/vmlinuz\n/other"); },
                   false},
       }) {
    PlainLog log = test::BootLog();
    c.change(log);
    const trust::Bundle bundle = BundleOf(log);
    EXPECT_EQ(TextOf(bundle, "log.kernel_cmdline") != "absent", c.there) << c.name;
    // What is not claimed is not left out either.
    if (!c.there) { EXPECT_EQ(OctetsOf(bundle, "log.boot_files"), log.Replay(3)) << c.name; }
  }
}

// Whoever commands GRUB has it measure the text that the policy likes, and boots with another one: each claim alone can be evaded, never both.
TEST(LogClaims, CommandLineAndBootFilesTogetherCanNotBeForged) {
  const trust::Bundle good = BundleOf(test::BootLog());
  const std::string line = "/vmlinuz root=/dev/vda ro";
  PlainLog happened = test::BootLog();
  happened.events[test::kGrubCommand] = Measured(3, 0x0D, std::string("grub_cmd: ").append(line).append(1, '\0'), line);
  happened.events[test::kCommandLine] = test::CommandLine("/vmlinuz init=/bin/sh");
  PlainLog told = happened;
  told.events[test::kGrubCommand].data = test::CommandLine(line).data;
  told.events[test::kCommandLine].data = ToBytes(AsBytes("font"));
  const trust::Bundle forged = Forged(happened, told);
  EXPECT_EQ(TextOf(forged, "log.kernel_cmdline"), line);  // evaded
  EXPECT_NE(OctetsOf(forged, "log.boot_files"), OctetsOf(good, "log.boot_files"));
}

}  // namespace
}  // namespace assay::tcg_log
