// bench_clouds: every platform in one table: verdicts per CPU-second, in process and on one thread, beside the public-key operations that
// no verifier can do without.
//
//   ideal  these operations alone with OpenSSL, keys and signatures decoded beforehand, measured in the same run
//   warm   a machine that was met before attests again: certificates are those of before, the challenge and whatever answers it are new. What
//          vendors publish, documents and lists, the server has decoded already
//   cold   the same with empty caches, and what vendors publish decoded from its bytes
//
// Each machine attests 64 times, each time for a challenge of its own, and the benchmark goes round these. Signatures of what answers a
// challenge are remembered nowhere, so the second round costs as much as the first. On Azure the TPM's quote alone answers, so its
// platforms are shown twice:
//
//   resent     the HCL report (and TD quote) is the same each time, as between two reboots
//   refreshed  each comes with runtime claims of its own under a hardware report of its own. 64 are more than the 52 newcomers that caches of
//              256 hold, so whenever one is met again it has been forgotten
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "appraisal/appraiser.h"
#include "appraisal/policy.h"
#include "appraisal/shipped_policies.h"
#include "base/bug.h"
#include "base/strings.h"
#include "registry/builtin_registry.h"
#include "tests/bench/collecting.h"
#include "tests/bench/raw_verify.h"
#include "tests/softtee/azure_evidence.h"
#include "tests/softtee/dcap_evidence.h"
#include "tests/softtee/gce_evidence.h"
#include "tests/softtee/nitro_evidence.h"
#include "tests/softtee/snp_evidence.h"
#include "tests/softtee/svsm_evidence.h"
#include "tests/softtee/tpm_evidence.h"
#include "tests/unit/platform/minted.h"
#include "tests/unit/tcg_log/plain_log.h"
#include "trust/fact_caches.h"

namespace assay::bench {
namespace {

using softtee::TpmPki;
using trust::Challenge;
using Minted = std::vector<softtee::Item>;

constexpr std::size_t kCacheCapacity = 256;
constexpr std::size_t kAttestations = 64;

// --- challenges: the i-th ---------------------------------------------------------------------------------------------

Bytes Nonce(std::size_t i) {
  Bytes nonce(32, 0x5A);
  nonce[0] = static_cast<std::uint8_t>(i);
  return nonce;
}
ByteArray<64> ReportData(std::size_t i) {
  ByteArray<64> data = softtee::Ramp<64>(0x80);
  data[0] = static_cast<std::uint8_t>(i);
  return data;
}
Challenge Demanded(std::size_t i) { return Challenge::Demanded({.report_data = ReportData(i), .nonce = Nonce(i)}); }

// --- evidence ---------------------------------------------------------------------------------------------------------

struct Attested {
  Minted items;
  Challenge challenge;
};

// By the hardware's vendor, for everybody.
bool IsPublished(std::string_view type) {
  return type == softtee::kJsonType || type == softtee::kPemChainType || type == softtee::kCrlType;
}

Minted Snp(std::size_t i, softtee::SigningKey key) {
  return softtee::MintSnp(softtee::SnpPki::Shared(), {.signing_key = key, .report_data = ReportData(i)}).value().items;
}

// The first value stays: what a machine makes once and sends again.
template <typename T>
void KeepFirst(T& first, T& value) {
  if (first.empty()) first = value;
  else value = first;
}

Bytes& BodyOf(Minted& items, std::string_view media_type) {
  const auto found =
      std::find_if(items.begin(), items.end(), [media_type](const softtee::Item& item) { return item.media_type == media_type; });
  ASSAY_CHECK(found != items.end());
  return found->body;
}

// The TD quote among the items for other report data, as of a quoting enclave that keeps its attestation key: chain and QE report stay.
void Requote(Minted& items, ByteView report_data) {
  constexpr std::size_t kReportData = 48 + 520, kSigned = 48 + 584, kSignature = kSigned + 4;
  Bytes& quote = BodyOf(items, softtee::kQuoteType);
  std::copy(report_data.begin(), report_data.end(), quote.begin() + kReportData);
  const Bytes signature =
      softtee::SignP1363(softtee::IntelPki::Shared().KeysFor({}, /*platform_ca=*/true).attestation, ByteView(quote).first(kSigned));
  std::copy(signature.begin(), signature.end(), quote.begin() + kSignature);
}
Minted Tdx(std::size_t i) {
  static const Minted first = softtee::MintDcap(softtee::IntelPki::Shared(), {}).value().items;
  Minted items = first;
  Requote(items, ReportData(i));
  return items;
}

// A module has its certificates for three hours: those of its first document.
struct ModuleCertificates {
  Bytes leaf;
  std::vector<Bytes> issuers;
};
Minted Document(std::size_t i, bool tpm) {
  static ModuleCertificates of_enclave, of_tpm;
  ModuleCertificates& first = tpm ? of_tpm : of_enclave;
  softtee::NitroOptions options{.nonce = Nonce(i), .tpm = tpm};
  options.public_key = test::PointOf(TpmPki::Shared().p256_ak);
  options.change = [&first](softtee::NitroParts& parts) {
    parts.leaf = [&first](Bytes& leaf) { KeepFirst(first.leaf, leaf); };
    parts.cabundle = [&first](std::vector<Bytes>& issuers) { KeepFirst(first.issuers, issuers); };
  };
  return softtee::MintNitro(softtee::NitroPki::Shared(), options).items;
}

softtee::TpmOptions QuoteOptions(std::size_t i) { return {.extra_data = Nonce(i), .vouching = softtee::TpmVouching::kNothing}; }
Minted Quote(const softtee::TpmOptions& options) { return softtee::MintTpm(TpmPki::Shared(), options).items; }

// `claims`: number of the runtime claims, and of the hardware report over them.
Minted Azure(softtee::AzureTee tee, std::size_t i, std::size_t claims) {
  softtee::AzureEvidence minted = softtee::MintAzure({.tee = tee, .extra_data = Nonce(i), .change = [claims](softtee::AzureParts& parts) {
                                                        softtee::SignAsMicrosoft(parts);
                                                        std::string number = std::to_string(claims);
                                                        parts.claims.user_data = std::string(128 - number.size(), '0') + number;
                                                      }});
  if (tee == softtee::AzureTee::kSnp) return minted.items;
  static Bytes first_quote;
  KeepFirst(first_quote, BodyOf(minted.items, softtee::kQuoteType));
  Requote(minted.items, softtee::HclCommitment(minted.claims));
  return minted.items;
}

Attested Gce(softtee::GceOptions options, std::size_t i) {
  options.nonce[0] = static_cast<std::uint8_t>(i);
  softtee::GceEvidence minted = softtee::MintGce(options).value();
  const Challenge challenge = test::ChallengeOf(minted);
  if (options.tee == softtee::GceTee::kTdx) {
    static Bytes first_quote;
    KeepFirst(first_quote, BodyOf(minted.items, softtee::kQuoteType));
    Requote(minted.items, *challenge.values().report_data);
  }
  return {std::move(minted.items), challenge};
}
// The same machine without its hardware's quote: a TPM, and the log that the policy demands.
Attested ShieldedVm(std::size_t i) {
  const tcg_log::test::PlainLog log = tcg_log::test::PcrLog();
  softtee::TpmBank bank{softtee::kTpmSha256, {}};
  for (const auto& [index, value] : log.Pcrs(softtee::kTpmSha256)) bank.values[index] = value;
  Attested attested = Gce({.tee = softtee::GceTee::kTdx, .banks = {bank}, .event_log = log.Write(), .with_endorsement = false}, i);
  std::erase_if(attested.items,
                [](const softtee::Item& item) { return item.media_type == softtee::kQuoteType || IsPublished(item.media_type); });
  return attested;
}

// --- the table's rows -------------------------------------------------------------------------------------------------

// Public-key operations that the evidence stands on.
struct Minimum {
  unsigned p384 = 0, p256 = 0, rsa2048 = 0;
};

struct Attestation {
  std::vector<evidence::Item> items;
  Challenge challenge;
};

struct Row {
  std::string platform, name;
  Minimum minimum;
  double target;  // of warm ÷ cold; 0: none
  std::vector<Attestation> attestations;
  std::vector<Bytes> published;  // by the hardware's vendor, as it serves it
  appraisal::StateSnapshot state = {};
  const appraisal::Policy* policy = nullptr;
  std::vector<trust::CollateralItem> collateral = {};  // decoded
  std::unique_ptr<trust::FactCaches> warm = std::make_unique<trust::FactCaches>(kCacheCapacity);
  std::size_t next_warm = 0, next_cold = 0;
};

// `attest` is the machine. What is of the types `again` it sends as it did the first time; certificates and what its firmware
// comes with it always does.
Row Machine(std::string platform, Minimum minimum, const std::function<Attested(std::size_t)>& attest, std::string_view variant = {},
            double target = 0, std::vector<std::string_view> again = {}) {
  Row row{.platform = platform,
          .name = variant.empty() ? platform : Cat(platform, ", ", variant),
          .minimum = minimum,
          .target = target,
          .attestations = {},
          .published = {}};
  again.insert(again.end(), {softtee::kCertificateType, softtee::kCertTableType, softtee::kGceEndorsementType});
  const auto comes_again = [&](const softtee::Item& item) { return std::find(again.begin(), again.end(), item.media_type) != again.end(); };
  const Attested first = attest(0);
  for (const softtee::Item& item : first.items) {
    if (IsPublished(item.media_type)) row.published.push_back(item.body);
  }
  for (std::size_t i = 0; i < kAttestations; ++i) {
    const Attested attested = i == 0 ? first : attest(i);
    Minted sent;
    std::copy_if(first.items.begin(), first.items.end(), std::back_inserter(sent), comes_again);
    std::copy_if(attested.items.begin(), attested.items.end(), std::back_inserter(sent),
                 [&](const softtee::Item& item) { return !comes_again(item) && !IsPublished(item.media_type); });
    row.attestations.push_back({test::ItemsOf(sent), attested.challenge});
  }
  return row;
}

appraisal::TpmState Enrolled(const softtee::Key& ak) {
  const Bytes digest = softtee::Sha256(ak.SubjectPublicKeyInfo());
  return {.attestation_key = digest,
          .enrolments = {{.of = appraisal::Enrolment::Of::kAttestationKey,
                          .spki_sha256 = digest,
                          .tpm_name = softtee::AkOf(ak).Name(),
                          .node = "",
                          .why = "for this benchmark"}}};
}
appraisal::TpmState Activated() {
  const TpmPki& pki = TpmPki::Shared();
  return {.attestation_key = softtee::Sha256(pki.rsa_ak.SubjectPublicKeyInfo()),
          .endorsement_key = softtee::Sha256(pki.rsa_ek.SubjectPublicKeyInfo()),
          .activation = appraisal::ActivationOutcome{
              appraisal::ActivationOutcome::Result::kRedeemed, softtee::EkOf(pki.rsa_ek).Tpm2b(), {}, softtee::AkOf(pki.rsa_ak).Name()}};
}

Minted Both(Minted a, const Minted& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

std::vector<Row> MakeRows() {
  using softtee::AzureTee, softtee::GceTee, softtee::SigningKey;
  const auto azure = [](AzureTee tee, bool refreshed) {
    return [tee, refreshed](std::size_t i) { return Attested{Azure(tee, i, refreshed ? i : 0), Demanded(i)}; };
  };
  const Minimum rsa{.rsa2048 = 1};

  std::vector<Row> rows;
  rows.push_back(Machine("azure_sev_snp", rsa, azure(AzureTee::kSnp, false), "resent", 8, {softtee::kHclReportType}));
  rows.push_back(Machine("azure_sev_snp", {.p384 = 1, .rsa2048 = 1}, azure(AzureTee::kSnp, true), "refreshed"));
  rows.push_back(Machine("azure_tdx", rsa, azure(AzureTee::kTdx, false), "resent", 0, {softtee::kHclReportType, softtee::kQuoteType}));
  rows.push_back(Machine("azure_tdx", {.p256 = 1, .rsa2048 = 1}, azure(AzureTee::kTdx, true), "refreshed"));
  rows.push_back(Machine("azure_trusted_launch", rsa, [](std::size_t i) {
    return Attested{Quote({.extra_data = Nonce(i), .change = &softtee::CertifyAsMicrosoft}), Demanded(i)};
  }));
  rows.push_back(Machine("gcp_sev_snp", {.p384 = 1, .rsa2048 = 1}, [](std::size_t i) { return Gce({.tee = GceTee::kSevSnp}, i); }));
  rows.push_back(Machine("gcp_tdx", {.p256 = 1, .rsa2048 = 1}, [](std::size_t i) { return Gce({.tee = GceTee::kTdx}, i); }));
  rows.push_back(Machine("gcp_shielded_vm", rsa, &ShieldedVm));
  rows.push_back(Machine("aws_sev_snp", {.p384 = 2}, [](std::size_t i) {
    return Attested{Both(Snp(i, SigningKey::kVlek), Document(i, true)), Demanded(i)};
  }));
  rows.push_back(Machine("aws_sev_snp_report", {.p384 = 1}, [](std::size_t i) {
    return Attested{Snp(i, SigningKey::kVlek), Demanded(i)};
  }));
  rows.push_back(Machine("aws_nitro_tpm", {.p384 = 1}, [](std::size_t i) { return Attested{Document(i, true), Demanded(i)}; }));
  rows.push_back(Machine(
      "aws_nitro_enclave", {.p384 = 1},
      [](std::size_t i) {
        return Attested{Document(i, false), Demanded(i)};
      },
      {}, 4));
  rows.push_back(Machine("aws_nitro_tpm_quote", {.p256 = 1}, [](std::size_t i) {
    softtee::TpmOptions options = QuoteOptions(i);
    options.ak = softtee::TpmAk::kP256;
    return Attested{Quote(options), Demanded(i)};
  }));
  rows.back().state.tpm = Enrolled(TpmPki::Shared().p256_ak);
  rows.push_back(Machine("qemu_sev_snp", {.p384 = 1}, [](std::size_t i) { return Attested{Snp(i, SigningKey::kVcek), Demanded(i)}; }));
  rows.push_back(Machine("qemu_sev_snp_svsm", {.p384 = 1, .rsa2048 = 1}, [](std::size_t i) {
    return Attested{softtee::MintSvsm({.nonce = ReportData(i), .extra_data = Nonce(i)}).items, Demanded(i)};
  }));
  rows.back().state.tpm = Activated();
  rows.push_back(Machine("qemu_tdx", {.p256 = 1}, [](std::size_t i) { return Attested{Tdx(i), Demanded(i)}; }));
  rows.push_back(Machine("qemu_vtpm", rsa, [](std::size_t i) { return Attested{Quote(QuoteOptions(i)), Demanded(i)}; }));
  rows.back().state.tpm = Enrolled(TpmPki::Shared().rsa_ak);
  return rows;
}

// --- appraising -------------------------------------------------------------------------------------------------------

const appraisal::PolicyBook& Book() {
  static const appraisal::LoadResult loaded = appraisal::LoadShippedPolicies(BuiltinRegistry());
  ASSAY_CHECK(loaded.book.has_value());
  return *loaded.book;
}

const trust::AnchorSet& Anchors() {
  static const trust::AnchorSet anchors = [] {
    std::vector<softtee::Anchor> all = softtee::AzureAnchors();  // AMD's and Intel's as well
    for (const std::vector<softtee::Anchor>& more : {softtee::GcePki::Shared().Anchors(), softtee::NitroPki::Shared().Anchors()}) {
      all.insert(all.end(), more.begin(), more.end());
    }
    return test::AnchorsOf(all);
  }();
  return anchors;
}

std::vector<trust::CollateralItem> Decoded(const std::vector<Bytes>& published, trust::FactCaches* caches) {
  std::vector<trust::CollateralItem> all;
  for (const Bytes& file : published) {
    for (trust::CollateralItem& item :
         appraisal::RecogniseCollateral(BuiltinRegistry(), trust::UntrustedBytes(file), trust::CollateralSource::kVendor, caches)) {
      all.push_back(std::move(item));
    }
  }
  return all;
}

std::vector<Row>& Rows() {
  static std::vector<Row> rows = [] {
    std::vector<Row> made = MakeRows();
    for (Row& row : made) {
      for (const appraisal::Policy& one : Book().policies()) {
        if (one.platform == row.platform) row.policy = &one;
      }
      ASSAY_CHECK(row.policy != nullptr);
      row.collateral = Decoded(row.published, nullptr);
    }
    return made;
  }();
  return rows;
}

v1::Appraisal Appraise(const Row& row, const Attestation& attestation, const std::vector<trust::CollateralItem>& published,
                       trust::FactCaches& caches) {
  const trust::CollateralSnapshot collateral = appraisal::GatherCollateral(BuiltinRegistry(), attestation.items, published, &caches);
  return appraisal::Appraise({.registry = BuiltinRegistry(),
                              .items = attestation.items,
                              .platform_hint = row.platform,
                              .challenge = attestation.challenge,
                              .channel_bound = true,
                              .collateral = collateral,
                              .policies = appraisal::PolicyChoice::ForPolicy(Book(), *row.policy),
                              .anchors = Anchors(),
                              .state = row.state,
                              .at = softtee::kDefaultNow,
                              .caches = &caches});
}

// A benchmark of the wrong thing is worse than none: each looks at its verdict.
bool Expect(benchmark::State& state, const v1::Appraisal& appraisal) {
  if (appraisal.verdict() == v1::VERDICT_TRUSTED || appraisal.verdict() == v1::VERDICT_TRUSTED_WITH_WARNINGS) return true;
  std::string why = v1::Verdict_Name(appraisal.verdict());
  for (const v1::Finding& finding : appraisal.findings()) {
    if (finding.effect() >= v1::EFFECT_INDETERMINATE) {
      why += Cat("; ", finding.reason(), " ", finding.component(), " ", finding.claim(), ": ", finding.actual());
    }
  }
  state.SkipWithError(why.c_str());
  return false;
}

void Warm(benchmark::State& state, Row& row) {
  const auto once = [&] {
    return Expect(state, Appraise(row, row.attestations[row.next_warm++ % kAttestations], row.collateral, *row.warm));
  };
  while (row.next_warm < 2 * kAttestations) {  // facts are on probation until they are needed again
    if (!once()) return;
  }
  for (auto _ : state) {
    if (!once()) break;
  }
}

void Cold(benchmark::State& state, Row& row) {
  for (auto _ : state) {
    trust::FactCaches caches(kCacheCapacity);
    if (!Expect(state, Appraise(row, row.attestations[row.next_cold++ % kAttestations], Decoded(row.published, &caches), caches))) break;
  }
}

// --- the yardsticks ---------------------------------------------------------------------------------------------------

constexpr std::string_view kP384 = "P-384", kP256 = "P-256", kRsa2048 = "RSA-2048";

void Raw(benchmark::State& state, RawVerify raw) {
  for (auto _ : state) {
    if (!raw.Once()) state.SkipWithError("the signature does not verify");
  }
}
void RawP384(benchmark::State& state) {
  const softtee::SnpOptions options;
  Raw(state, {*softtee::MintSnp(softtee::SnpPki::Shared(), options).value().Find(softtee::kReportType),
              softtee::SnpPki::Shared()
                  .VcekKey(options.product, softtee::kDefaultChipId, softtee::DefaultTcb(options.product))
                  .SubjectPublicKeyInfo()});
}
void RawP256(benchmark::State& state) {
  const softtee::Key& key = TpmPki::Shared().p256_ak;
  const Bytes message(632, 0x5A);  // as much as a TD quote signs
  Raw(state, {message, softtee::SignP1363(key, message), key.SubjectPublicKeyInfo()});
}
void RawRsa2048(benchmark::State& state) {
  const softtee::Key& key = TpmPki::Shared().rsa_ak;
  const Bytes message(145, 0x5A);  // as much as a TPM's quote signs
  Raw(state, {message, key.Sign(softtee::SignatureStyle::kPkcs1Sha256, message), key.SubjectPublicKeyInfo()});
}

// --- the table --------------------------------------------------------------------------------------------------------

std::string WarmName(const Row& row) { return Cat(row.name, ": warm"); }
std::string ColdName(const Row& row) { return Cat(row.name, ": cold"); }

void PrintTable(const Collecting& times) {
  const double p384 = times.Median(std::string(kP384)), p256 = times.Median(std::string(kP256)),
               rsa2048 = times.Median(std::string(kRsa2048));
  std::printf("\nverdicts per CPU-second; raw verifications: P-384 %.0f us, P-256 %.0f us, RSA-2048 %.0f us\n", p384, p256, rsa2048);
  std::printf("%-28s %8s %8s %12s %8s %12s\n", "platform", "warm", "ideal", "warm / ideal", "cold", "warm / cold");
  for (const Row& row : Rows()) {
    const double warm = times.Median(WarmName(row)), cold = times.Median(ColdName(row));
    const double ideal = row.minimum.p384 * p384 + row.minimum.p256 * p256 + row.minimum.rsa2048 * rsa2048;
    if (warm == 0 || cold == 0 || ideal == 0) continue;
    std::printf("%-28s %8.0f %8.0f %12.2f %8.0f %12.1f", row.name.c_str(), 1e6 / warm, 1e6 / ideal, ideal / warm, 1e6 / cold, cold / warm);
    if (row.target != 0) std::printf("  >= %.0f %s", row.target, cold / warm >= row.target ? "met" : "MISSED");
    std::printf("\n");
  }
  for (const platform::Platform* platform : BuiltinRegistry().platforms) {
    const bool shown = std::any_of(Rows().begin(), Rows().end(),
                                   [&](const Row& row) { return row.platform == platform->name && times.Median(WarmName(row)) != 0; });
    if (!shown) std::printf("%s: not measured\n", std::string(platform->name).c_str());
  }
}

}  // namespace
}  // namespace assay::bench

int main(int argc, char** argv) {
  using namespace assay::bench;
  if (!Initialise(argc, argv)) return 2;
  for (const auto& [name, function] : {std::pair{kP384, &RawP384}, std::pair{kP256, &RawP256}, std::pair{kRsa2048, &RawRsa2048}}) {
    benchmark::RegisterBenchmark(std::string(name).c_str(), function)->Unit(benchmark::kMicrosecond);
  }
  for (Row& row : Rows()) {
    benchmark::RegisterBenchmark(WarmName(row).c_str(), [&row](benchmark::State& state) {
      Warm(state, row);
    })->Unit(benchmark::kMicrosecond);
    benchmark::RegisterBenchmark(ColdName(row).c_str(), [&row](benchmark::State& state) {
      Cold(state, row);
    })->Unit(benchmark::kMicrosecond);
  }
  Collecting reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  PrintTable(reporter);
  return reporter.failed() ? 1 : 0;
}
