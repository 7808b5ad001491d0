#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/files.h"
#include "base/hex.h"
#include "base/strings.h"
#include "client/cli/measure.h"
#include "client/cli/table.h"
#include "evidence/tcg_log/predict.h"

namespace assay::cli {
namespace {

constexpr std::string_view kScope =
    "Each value follows from the files and texts given, if firmware and loaders measure that and no more into the register.\n"
    "Compare with a machine that you trust once; `assay inspect` shows its event log.";

crypto::HashAlgorithm HashOfBank(std::string_view bank) {
  if (bank == "sha384") return crypto::HashAlgorithm::kSha384;
  return bank == "sha512" ? crypto::HashAlgorithm::kSha512 : crypto::HashAlgorithm::kSha256;
}

// Files that were read, as long as views of them are used. Each nullopt: said, and the exit code is there.
class Files {
 public:
  explicit Files(const Invocation& invocation) : invocation_(invocation) {}
  ExitCode exit_code() const { return exit_code_; }

  std::optional<Bytes> Read(std::string_view option, const std::string& file) {
    if (file.empty()) return Bytes();
    absl::StatusOr<Bytes> bytes = ReadFile(option, file, kMaxImageSize);
    if (bytes.ok()) return *std::move(bytes);
    exit_code_ = invocation_.Fail(bytes.status());
    return std::nullopt;
  }
  std::optional<tcg_log::PeImage> Image(std::string_view option, const std::string& file) {
    auto bytes = Read(option, file);
    if (!bytes) return std::nullopt;
    images_.push_back(std::make_unique<Bytes>(*std::move(bytes)));
    auto image = tcg_log::ReadPeImage(*images_.back());
    if (!image) return Refuse(option, file, image.findings());
    return std::move(image).value();
  }
  std::nullopt_t Refuse(std::string_view option, const std::string& file, std::span<const Finding> findings) {
    for (const Finding& finding : findings) invocation_.Say(Cat(option, " '", Printable(file), "': ", Describe(finding)));
    exit_code_ = ExitCode::kMalformed;
    return std::nullopt;
  }

 private:
  const Invocation& invocation_;
  ExitCode exit_code_ = ExitCode::kOk;
  std::vector<std::unique_ptr<Bytes>> images_;
};

std::optional<tcg_log::SecureBootVariables> ReadVariables(const MeasurePcrsOptions& options, Files& files) {
  auto pk = files.Read("--pk", options.pk), kek = files.Read("--kek", options.kek), db = files.Read("--db", options.db),
       dbx = files.Read("--dbx", options.dbx);
  if (!pk || !kek || !db || !dbx) return std::nullopt;
  tcg_log::SecureBootVariables variables{
      .enabled = options.secure_boot == "on", .pk = *std::move(pk), .kek = *std::move(kek), .db = *std::move(db), .dbx = *std::move(dbx)};
  for (const std::string& authority : options.authorities) {
    const std::size_t equals = authority.find('=');
    auto value = files.Read("--authority", authority.substr(equals + 1));
    if (!value) return std::nullopt;
    variables.authorities.emplace_back(authority.substr(0, equals), *std::move(value));
  }
  return variables;
}

// Why the options are none; "": they are.
std::string Misuse(const MeasurePcrsOptions& options) {
  for (const std::string& authority : options.authorities) {
    const std::size_t equals = authority.find('=');
    if (equals == std::string::npos || !tcg_log::IsAuthority(authority.substr(0, equals)) || equals + 1 == authority.size()) {
      return Cat("--authority: expected db, Shim, SbatLevel or MokListTrusted, '=' and a file, actual '", Printable(authority, 64), "'");
    }
  }
  if (options.secure_boot == "on") {
    // Without its variables PCR 7 would be that of a machine that there isn't.
    std::vector<std::string> missing;
    const std::pair<const char*, const std::string*> variables[] = {
        {"--pk", &options.pk}, {"--kek", &options.kek}, {"--db", &options.db}, {"--dbx", &options.dbx}};
    for (const auto& [option, file] : variables) {
      if (file->empty()) missing.emplace_back(option);
    }
    if (!missing.empty()) {
      return Cat("--secure-boot on: expected --pk, --kek, --db and --dbx, actual without ", Join(missing, ", "),
                 ". Of a variable that the machine does not have give an empty file.");
    }
  }
  for (const std::string* text : {&options.load_options, &options.stub_command_line}) {
    if (!std::all_of(text->begin(), text->end(), [](char c) { return c >= ' ' && c <= '~'; })) {
      return "command lines: expected printable ASCII";
    }
  }
  const bool any = !options.boot_images.empty() || !options.secure_boot.empty() || !options.uki.empty() ||
                   !options.stub_command_line.empty() || !options.load_options.empty() || !options.initrds.empty();
  return any ? ""
             : "nothing to measure: give at least one of --boot-image, --secure-boot, --load-options, --initrd, --uki, --stub-command-line";
}

using Pcrs = std::map<std::uint32_t, Bytes>;

std::optional<Pcrs> Predict(const MeasurePcrsOptions& options, Files& files) {
  const crypto::HashAlgorithm hash = HashOfBank(options.bank);
  Pcrs pcrs;
  if (!options.boot_images.empty()) {
    std::vector<tcg_log::PeImage> images;
    for (const std::string& file : options.boot_images) {
      auto image = files.Image("--boot-image", file);
      if (!image) return std::nullopt;
      images.push_back(*std::move(image));
    }
    pcrs[tcg_log::kPredictedApplications] = tcg_log::PredictApplications(hash, images);
  }
  if (!options.secure_boot.empty()) {
    const auto variables = ReadVariables(options, files);
    if (!variables) return std::nullopt;
    pcrs[tcg_log::kPredictedSecureBoot] = tcg_log::PredictSecureBoot(hash, *variables);
  }
  if (!options.load_options.empty() || !options.initrds.empty()) {
    std::vector<Bytes> initrds;
    for (const std::string& file : options.initrds) {
      auto initrd = files.Read("--initrd", file);
      if (!initrd) return std::nullopt;
      initrds.push_back(*std::move(initrd));
    }
    pcrs[tcg_log::kPredictedLinuxStub] = tcg_log::PredictLinuxStub(hash, options.load_options, initrds);
  }
  if (!options.uki.empty()) {
    const auto image = files.Image("--uki", options.uki);
    if (!image) return std::nullopt;
    auto value = tcg_log::PredictUki(hash, *image, options.phases);
    if (!value) return files.Refuse("--uki", options.uki, value.findings());
    pcrs[tcg_log::kPredictedUki] = std::move(value).value();
  }
  if (!options.stub_command_line.empty()) pcrs[tcg_log::kPredictedStub] = tcg_log::PredictStub(hash, options.stub_command_line);
  return pcrs;
}

}  // namespace

ExitCode MeasurePcrs(const MeasurePcrsOptions& options, const Invocation& invocation) {
  if (const std::string misuse = Misuse(options); !misuse.empty()) {
    invocation.Say(misuse);
    return ExitCode::kUsage;
  }
  Files files(invocation);
  const std::optional<Pcrs> pcrs = Predict(options, files);
  if (!pcrs) return files.exit_code();
  if (options.output == OutputFormat::kTable) {
    Table table;
    for (const auto& [index, value] : *pcrs) table.Add({Cat("tpm.", options.bank, "_pcr", index), ToHex(value)});
    invocation.out << table.ToText() << '\n' << invocation.style.Faint(kScope) << '\n';
    return ExitCode::kOk;
  }
  json::Value tree = json::Value::MakeObject();
  for (const auto& [index, value] : *pcrs) tree.Add(Cat("tpm.", options.bank, "_pcr", index), json::Value::String(ToHex(value)));
  invocation.out << Structured(options.output, tree);
  return ExitCode::kOk;
}

}  // namespace assay::cli
