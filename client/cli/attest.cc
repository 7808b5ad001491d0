#include "client/cli/attest.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>

#include "base/hex.h"
#include "base/random.h"
#include "base/strings.h"
#include "client/agent/join.h"
#include "client/agent/softtee_source.h"
#include "client/agent/tpm_collector.h"
#include "client/agent/tsm_collector.h"
#include "client/cli/option_values.h"
#include "client/cli/verdict_view.h"

namespace assay::cli {
namespace {

// The kernel's collector with what it refers to.
class TsmSource final : public agent::ReportSource {
 public:
  absl::StatusOr<std::vector<agent::CollectedItem>> Collect(const crypto::Sha512Digest& report_data) override {
    return collector_.Collect(report_data);
  }

 private:
  agent::SystemTsmFiles files_;
  SystemRandom random_;
  agent::TsmCollector collector_{files_, random_};
};

// Another source, whose items it writes into a directory as well, each as a file.
class Saving final : public agent::EvidenceSource {
 public:
  Saving(std::unique_ptr<agent::EvidenceSource> source, std::filesystem::path directory, const Invocation& invocation)
      : source_(std::move(source)), directory_(std::move(directory)), invocation_(invocation) {}
  absl::StatusOr<agent::TpmKeys> Keys() override { return source_->Keys(); }
  absl::StatusOr<agent::CollectedEvidence> Answer(const agent::Demand& demand) override {
    absl::StatusOr<agent::CollectedEvidence> evidence = source_->Answer(demand);
    if (!evidence.ok()) return evidence;
    for (std::size_t i = 0; i < evidence->items.size(); ++i) {
      const agent::CollectedItem& item = evidence->items[i];
      // "3-tpm-quote" of application/vnd.assay.tpm-quote
      const std::filesystem::path file = directory_ / Cat(i + 1, "-", item.media_type.substr(item.media_type.find_last_of("./") + 1));
      std::ofstream stream(file, std::ios::binary | std::ios::trunc);
      stream << AsText(item.body);
      if (!stream.flush()) {
        return absl::InvalidArgumentError(
            Cat("--save '", Printable(file.string()), "': expected a place that can be written, actual: it can't. Check the directory."));
      }
    }
    invocation_.Say(Cat("evidence saved; what it has to carry is, of a TPM, --nonce ", ToHex(demand.extra_data), ", else --report-data ",
                        ToHex(demand.report_data)));
    return evidence;
  }

 private:
  std::unique_ptr<agent::EvidenceSource> source_;
  std::filesystem::path directory_;
  const Invocation& invocation_;
};

absl::StatusOr<std::unique_ptr<agent::EvidenceSource>> TpmOf(const AttestOptions& options) {
  agent::TpmOptions tpm{.tcti = options.tpm,
                        .attestation_key_type = options.tpm_key == "rsa"    ? agent::TpmKeyType::kRsa2048
                                                : options.tpm_key == "p384" ? agent::TpmKeyType::kP384
                                                                            : agent::TpmKeyType::kP256};
  if (!options.tpm_key_handle.empty()) {
    const absl::StatusOr<std::uint32_t> handle = ParseTpmHandleOption(options.tpm_key_handle);
    if (!handle.ok()) return handle.status();
    tpm.attestation_key_handle = *handle;
  }
  if (!options.event_log.empty()) tpm.event_log = options.event_log;
  return std::make_unique<agent::TpmCollector>(std::move(tpm));
}

absl::StatusOr<std::unique_ptr<agent::EvidenceSource>> SourceOf(const AttestOptions& options, const Invocation& invocation) {
  if (!options.tpm.empty()) return TpmOf(options);
  if (options.simulate.empty()) return std::make_unique<TsmSource>();
  // A hint that assay-softtee can't follow is for the server to refuse.
  const bool hinted = agent::SimulatedPlatformNamed(options.platform).ok();
  const absl::StatusOr<const agent::SimulatedPlatform*> platform =
      agent::SimulatedPlatformNamed(!options.simulate_platform.empty() ? options.simulate_platform
                                    : hinted                           ? options.platform
                                                                       : "qemu_sev_snp");
  if (!platform.ok()) return platform.status();
  absl::StatusOr<std::string> program = agent::FindSofttee(std::getenv("ASSAY_SOFTTEE"), invocation.program_directory);
  if (!program.ok()) return program.status();
  agent::SoftteeOptions softtee{.program = *std::move(program),
                                .pki_directory = options.simulate,
                                .platform = *platform,
                                .fault = options.simulate_fault,
                                .arguments = options.simulate_arguments};
  if (!options.name.empty()) softtee.machine = options.name;
  return std::make_unique<agent::SoftteeSource>(std::move(softtee));
}

ExitCode SaveEar(const std::string& path, const std::string& ear, const Invocation& invocation) {
  if (ear.empty()) {
    invocation.Say("--ear: expected a token, actual: this verifier issues none. Its operator can configure 'tokens'.");
    return ExitCode::kFailed;
  }
  std::ofstream file(path, std::ios::trunc);
  file << ear << '\n';
  if (file.flush()) return ExitCode::kOk;
  invocation.Say(Cat("--ear '", Printable(path), "': expected a place that can be written, actual: it can't. Check the directory."));
  return ExitCode::kUsage;
}

}  // namespace

ExitCode Attest(const AttestOptions& options, const Invocation& invocation) {
  // The source first: a machine that has nothing to show need not ask for a challenge.
  absl::StatusOr<std::unique_ptr<agent::EvidenceSource>> source = SourceOf(options, invocation);
  if (!source.ok()) return invocation.Fail(source.status());
  if (!options.save.empty()) *source = std::make_unique<Saving>(*std::move(source), options.save, invocation);
  const crypto::PrivateKey node_key = crypto::PrivateKey::GenerateP256();
  const absl::StatusOr<std::unique_ptr<agent::JoinConnection>> connection = ConnectAsNode(options.server, node_key, invocation.clock.Now());
  if (!connection.ok()) return invocation.Fail(connection.status());
  const absl::StatusOr<v1::AttestResponse> response =
      agent::Join({options.cluster, options.role, options.name, options.platform.empty() ? options.simulate_platform : options.platform,
                   options.ear_profile},
                  node_key, **source, **connection);
  if (!response.ok()) return invocation.Fail(response.status());

  const v1::Appraisal& appraisal = response->appraisal();
  if (options.output == OutputFormat::kTable) {
    invocation.out << VerdictText(appraisal, {.verbose = options.verbose}, invocation.style) << "\nverdict id      "
                   << Printable(response->verdict_id()) << '\n';
  } else {
    invocation.out << StructuredAppraisal(options.output, appraisal);
    invocation.Say(Cat("verdict id ", Printable(response->verdict_id())));
  }
  for (const v1::AbsentCollateral& absent : response->absent_collateral()) {
    invocation.Say(Cat("the verifier lacked ", Printable(absent.key(), 300), ": ", Printable(absent.reason(), 64), " (", absent.code(),
                       "); ",
                       absent.retry_after_ms() == 0 ? std::string("waiting will not bring it")
                                                    : Cat("it may be there in ", absent.retry_after_ms(), " ms")));
  }
  if (response->retry_after_ms() != 0) { invocation.Say(Cat("a new attempt makes sense in ", response->retry_after_ms(), " ms")); }
  // Without its token a verdict is one all the same: it has been said, and what it says goes before.
  const ExitCode saved = options.ear_file.empty() ? ExitCode::kOk : SaveEar(options.ear_file, response->ear(), invocation);
  const ExitCode judged = ExitCodeOf(appraisal);
  return judged == ExitCode::kOk ? saved : judged;
}

}  // namespace assay::cli
