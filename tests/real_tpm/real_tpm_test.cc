// Evidence that a TPM 2.0 made, swtpm, through the parsers, checks and claims that genuine evidence goes through.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tss2/tss2_esys.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <set>

#include "appraisal/appraiser.h"
#include "base/absl_bridge.h"
#include "base/hex.h"
#include "base/strings.h"
#include "client/agent/tpm.h"
#include "client/agent/tpm_collector.h"
#include "codec/pem.h"
#include "crypto/make_credential.h"
#include "evidence/tcg_log/format.h"
#include "evidence/tpm/ak_certificate.h"
#include "evidence/tpm/algorithms.h"
#include "evidence/tpm/format.h"
#include "evidence/tpm/unpack.h"
#include "platform/qemu_vtpm/platform.h"
#include "tests/swtpm/swtpm.h"
#include "tests/unit/tcg_log/plain_log.h"

namespace assay {
namespace {

using agent::PcrBank;
using agent::Tpm;
using agent::TpmKeyType;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

constexpr TpmKeyType kTypes[] = {TpmKeyType::kRsa2048, TpmKeyType::kP256, TpmKeyType::kP384};
const Bytes kExtraData(32, 0x5A);

std::vector<PcrBank> All(std::uint16_t algorithm = tpm::kAlgSha256) {
  PcrBank bank{algorithm, {}};
  for (unsigned i = 0; i < 24; ++i) bank.pcrs.push_back(i);
  return {bank};
}

template <typename T>
std::string Message(const absl::StatusOr<T>& result) {
  return std::string(MessageOf(result.status()));
}

// One TPM for all tests that leave it as it was.
class RealTpm : public ::testing::Test {
 protected:
  static void TearDownTestSuite() { shared_.reset(); }
  void SetUp() override {
    ASSAY_SWTPM_OR_SKIP();
    if (shared_ == nullptr) shared_ = std::make_unique<test::Swtpm>();
    tpm_ = Open(*shared_);
    ASSERT_NE(tpm_, nullptr);
  }
  static std::unique_ptr<Tpm> Open(const test::Swtpm& swtpm) {
    auto tpm = Tpm::Open(swtpm.tcti());
    EXPECT_TRUE(tpm.ok()) << Message(tpm);
    return tpm.ok() ? *std::move(tpm) : nullptr;
  }

  static std::unique_ptr<test::Swtpm> shared_;
  std::unique_ptr<Tpm> tpm_;
};
std::unique_ptr<test::Swtpm> RealTpm::shared_;

std::vector<evidence::Item> ItemsOf(const Tpm::Quote& quote, const Bytes& public_area) {
  Bytes signed_quote = quote.attest;
  Append(signed_quote, quote.signature);
  return {{std::string(tpm::kQuoteMediaType), trust::UntrustedBytes(signed_quote)},
          {std::string(tpm::kPcrsMediaType), trust::UntrustedBytes(quote.values)},
          {std::string(tpm::kAkMediaType), trust::UntrustedBytes(public_area)}};
}

tpm::PublicArea AreaOf(const Bytes& tpm2b) {
  auto area = tpm::PublicArea::FromTpm2b(tpm2b, "key");
  EXPECT_TRUE(area.ok());
  return std::move(area).value();
}

// By enrolment of the key in the items.
std::optional<trust::Bundle> Take(const std::vector<evidence::Item>& items, CheckLog& log, const Bytes& extra_data = kExtraData) {
  std::vector<Bytes> names;
  for (const evidence::Item& item : items) {
    if (item.media_type == tpm::kAkMediaType) names.push_back(AreaOf(ToBytes(item.body.Read().TakeRest())).name());
  }
  const trust::EnrolledKeys enrolled(names);
  const trust::AnchorSet anchors({}, false);
  const trust::CollateralSnapshot nothing;
  trust::Challenge::Values values;
  values.nonce = extra_data;
  const trust::Challenge challenge = trust::Challenge::Demanded(values);
  if (!platform::CheckManifest(qemu_vtpm::kPlatform, items, log)) return std::nullopt;
  return qemu_vtpm::kPlatform.authenticate(
      items, {.anchors = anchors, .collateral = nothing, .challenge = challenge, .caches = nullptr, .enrolled = &enrolled}, log);
}

std::set<std::string_view> Refusals(const CheckLog& log) {
  std::set<std::string_view> names;
  for (const Finding& finding : log.findings()) {
    if (finding.effect == Effect::kReject) names.insert(NameOf(finding.reason));
  }
  return names;
}
std::string Show(const CheckLog& log) {
  std::string text;
  for (const Finding& finding : log.findings()) text += Describe(finding) + "\n";
  return text;
}

// --- quotes --------------------------------------------------------------------------------------------------------

TEST_F(RealTpm, AQuoteByEachKindOfKeyIsAuthentic) {
  for (const TpmKeyType type : kTypes) {
    auto ak = tpm_->AttestationKey(type);
    ASSERT_TRUE(ak.ok()) << Message(ak);
    const auto quote = tpm_->QuoteBy(*ak, kExtraData, All());
    ASSERT_TRUE(quote.ok()) << Message(quote);
    CheckLog log;
    const auto bundle = Take(ItemsOf(*quote, ak->public_area), log);
    ASSERT_TRUE(bundle) << Show(log);
    EXPECT_EQ(*bundle->claims().Get<std::string>("tpm.ak_trust"), "enrolment");
    EXPECT_EQ(*bundle->claims().Get<std::string>("tpm.ak_hierarchy"), "endorsement");
    EXPECT_EQ(*bundle->claims().Get<Bytes>("tpm.ak_name"), AreaOf(ak->public_area).name());
    EXPECT_EQ(*bundle->claims().Get<Bytes>("tpm.extra_data"), kExtraData);
    EXPECT_EQ(*bundle->claims().Get<std::string>("tpm.signature_hash"), type == TpmKeyType::kP384 ? "SHA-384" : "SHA-256");
    EXPECT_EQ(*bundle->claims().Get<Bytes>("tpm.sha256_pcr0"), Bytes(32, 0));
    EXPECT_EQ(*bundle->claims().Get<Bytes>("tpm.sha256_pcr17"), Bytes(32, 0xFF));
    tpm_->Flush(*ak);
  }
}

TEST_F(RealTpm, AnotherChallengeOrAPartOfOneIsNotAnswered) {
  auto ak = tpm_->AttestationKey(TpmKeyType::kP256);
  ASSERT_TRUE(ak.ok());
  Bytes other = kExtraData, longer = kExtraData;
  other.back() ^= 1;
  longer.push_back(0);
  for (const Bytes& extra_data : {other, longer, Bytes(kExtraData.begin(), kExtraData.end() - 1), Bytes()}) {
    const auto quote = tpm_->QuoteBy(*ak, extra_data, All());
    ASSERT_TRUE(quote.ok()) << Message(quote);
    CheckLog log;
    EXPECT_FALSE(Take(ItemsOf(*quote, ak->public_area), log));
    EXPECT_THAT(Refusals(log), Contains("binding_mismatch"));
  }
}

TEST_F(RealTpm, AQuoteByAnotherKeyOfTheSameTpmIsRefused) {
  auto one = tpm_->AttestationKey(TpmKeyType::kP256), other = tpm_->AttestationKey(TpmKeyType::kRsa2048);
  ASSERT_TRUE(one.ok() && other.ok());
  auto quote = tpm_->QuoteBy(*other, kExtraData, All());
  ASSERT_TRUE(quote.ok());
  CheckLog log;
  EXPECT_FALSE(Take(ItemsOf(*quote, one->public_area), log));
  EXPECT_TRUE(log.HasRejection());
}

// Two TPMs with keys of one template: the same attributes, other keys.
TEST_F(RealTpm, AQuoteByTheSameKeyOfAnotherTpmIsRefused) {
  test::Swtpm second(test::Swtpm::Certificates::kNo);
  const auto stranger = Open(second);
  auto ours = tpm_->AttestationKey(TpmKeyType::kP256), theirs = stranger->AttestationKey(TpmKeyType::kP256);
  ASSERT_TRUE(ours.ok() && theirs.ok());
  EXPECT_NE(ours->public_area, theirs->public_area);
  const auto quote = stranger->QuoteBy(*theirs, kExtraData, All());
  ASSERT_TRUE(quote.ok());
  CheckLog log;
  EXPECT_FALSE(Take(ItemsOf(*quote, ours->public_area), log));
  EXPECT_THAT(Refusals(log), UnorderedElementsAre("signature_invalid"));
}

TEST_F(RealTpm, OtherBanksOrFewerRegistersAreNotWhatIsDemanded) {
  auto ak = tpm_->AttestationKey(TpmKeyType::kP256);
  ASSERT_TRUE(ak.ok());
  std::vector<PcrBank> fewer = All(), both = All();
  fewer[0].pcrs.erase(fewer[0].pcrs.begin() + 4);
  both.push_back(All(tpm::kAlgSha384)[0]);
  for (const auto& banks : {All(tpm::kAlgSha1), All(tpm::kAlgSha384), fewer, both}) {
    const auto quote = tpm_->QuoteBy(*ak, kExtraData, banks);
    ASSERT_TRUE(quote.ok()) << Message(quote);
    CheckLog log;
    EXPECT_FALSE(Take(ItemsOf(*quote, ak->public_area), log));
    EXPECT_THAT(Refusals(log), UnorderedElementsAre("pcr_selection_not_demanded"));
  }
}

TEST_F(RealTpm, ValuesOfAnotherBankAreNotThoseThatWereQuoted) {
  auto ak = tpm_->AttestationKey(TpmKeyType::kP256);
  ASSERT_TRUE(ak.ok());
  auto quote = tpm_->QuoteBy(*ak, kExtraData, All());
  const auto other = tpm_->QuoteBy(*ak, kExtraData, All(tpm::kAlgSha384));
  ASSERT_TRUE(quote.ok() && other.ok());
  Tpm::Quote swapped = *quote;
  swapped.values = other->values;
  CheckLog log;
  EXPECT_FALSE(Take(ItemsOf(swapped, ak->public_area), log));
  EXPECT_THAT(Refusals(log), UnorderedElementsAre("pcr_selection_differs"));
  swapped.values = quote->values;
  swapped.values.back() ^= 1;
  CheckLog changed;
  EXPECT_FALSE(Take(ItemsOf(swapped, ak->public_area), changed));
  EXPECT_THAT(Refusals(changed), UnorderedElementsAre("pcr_digest_mismatch"));
}

// --- keys ----------------------------------------------------------------------------------------------------------

struct Freed {
  void operator()(void* memory) const { ::Esys_Free(memory); }
};
template <typename T>
using Owned = std::unique_ptr<T, Freed>;

// A P-256 signing key of the endorsement hierarchy with other attributes than an attestation key's.
TPM2B_PUBLIC KeyWith(TPMA_OBJECT attributes) {
  TPM2B_PUBLIC area{};
  area.publicArea.type = TPM2_ALG_ECC;
  area.publicArea.nameAlg = TPM2_ALG_SHA256;
  area.publicArea.objectAttributes = attributes;
  area.publicArea.parameters.eccDetail.symmetric.algorithm = TPM2_ALG_NULL;
  area.publicArea.parameters.eccDetail.scheme.scheme = TPM2_ALG_ECDSA;
  area.publicArea.parameters.eccDetail.scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
  area.publicArea.parameters.eccDetail.curveID = TPM2_ECC_NIST_P256;
  area.publicArea.parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
  return area;
}
constexpr TPMA_OBJECT kUnrestricted =
    TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_SIGN_ENCRYPT;

// TPM2B_PUBLIC of a P-256 key, byte by byte.
Bytes Tpm2bOf(const TPM2B_PUBLIC& made) {
  const TPMT_PUBLIC& area = made.publicArea;
  Bytes bytes = {0x00, 0x23, 0x00, 0x0B};
  AppendU32Be(bytes, area.objectAttributes);
  Append(bytes, Bytes{0x00, 0x00, 0x00, 0x10, 0x00, 0x18, 0x00, 0x0B, 0x00, 0x03, 0x00, 0x10});
  for (const TPM2B_ECC_PARAMETER* part : {&area.unique.ecc.x, &area.unique.ecc.y}) {
    Append(bytes, Bytes{0x00, static_cast<std::uint8_t>(part->size)});
    Append(bytes, ByteView(part->buffer).first(part->size));
  }
  Bytes tpm2b = {0x00, static_cast<std::uint8_t>(bytes.size())};
  Append(tpm2b, bytes);
  return tpm2b;
}

std::optional<Tpm::Key> Make(ESYS_CONTEXT* esys, const TPM2B_PUBLIC& area) {
  const TPM2B_SENSITIVE_CREATE sensitive{};
  const TPM2B_DATA outside{};
  const TPML_PCR_SELECTION none{};
  ESYS_TR object = ESYS_TR_NONE;
  TPM2B_PUBLIC* raw = nullptr;
  if (::Esys_CreatePrimary(esys, ESYS_TR_RH_ENDORSEMENT, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &sensitive, &area, &outside, &none,
                           &object, &raw, nullptr, nullptr, nullptr) != TSS2_RC_SUCCESS) {
    return std::nullopt;
  }
  const Owned<TPM2B_PUBLIC> made(raw);
  return Tpm::Key{object, Tpm2bOf(*made)};
}

// TPM2_Sign of the bytes' digest, which no ticket says is safe.
TSS2_RC Sign(ESYS_CONTEXT* esys, ESYS_TR key, ByteView message, Bytes& signature) {
  const crypto::Sha256Digest hash = crypto::Sha256(message);
  TPM2B_DIGEST digest{};
  digest.size = static_cast<UINT16>(hash.size());
  std::copy(hash.begin(), hash.end(), digest.buffer);
  const TPMT_SIG_SCHEME scheme{.scheme = TPM2_ALG_NULL, .details = {}};
  const TPMT_TK_HASHCHECK no_ticket{.tag = TPM2_ST_HASHCHECK, .hierarchy = TPM2_RH_NULL, .digest = {}};
  TPMT_SIGNATURE* raw = nullptr;
  const TSS2_RC rc = ::Esys_Sign(esys, key, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &digest, &scheme, &no_ticket, &raw);
  if (rc != TSS2_RC_SUCCESS) return rc;
  const Owned<TPMT_SIGNATURE> made(raw);
  signature = {0x00, 0x18, 0x00, 0x0B};
  for (const TPM2B_ECC_PARAMETER* part : {&made->signature.ecdsa.signatureR, &made->signature.ecdsa.signatureS}) {
    Append(signature, Bytes{0x00, static_cast<std::uint8_t>(part->size)});
    Append(signature, ByteView(part->buffer).first(part->size));
  }
  return rc;
}

// A key that signs anything signs a quote that no TPM made: everything about this one is right but the key's attributes.
TEST_F(RealTpm, AnUnrestrictedKeySignsForgeriesAndIsRefused) {
  auto honest = tpm_->AttestationKey(TpmKeyType::kP256);
  ASSERT_TRUE(honest.ok());
  auto genuine = tpm_->QuoteBy(*honest, kExtraData, All());
  ASSERT_TRUE(genuine.ok());
  const ByteView attest = ByteView(genuine->attest).subspan(2);
  Bytes signature;
  // The TPM itself does not let a restricted one do that.
  EXPECT_NE(Sign(tpm_->esys(), honest->object, attest, signature), TSS2_RC_SUCCESS);
  auto key = Make(tpm_->esys(), KeyWith(kUnrestricted));
  ASSERT_TRUE(key);
  ASSERT_EQ(Sign(tpm_->esys(), key->object, attest, signature), TSS2_RC_SUCCESS);
  Tpm::Quote forged = *genuine;
  forged.signature = signature;
  CheckLog log;
  EXPECT_FALSE(Take(ItemsOf(forged, key->public_area), log));
  EXPECT_THAT(Refusals(log), UnorderedElementsAre("ak_attributes"));
  ::Esys_FlushContext(tpm_->esys(), key->object);
}

TEST_F(RealTpm, KeysAreTheSameAfterEveryBoot) {
  test::Swtpm swtpm(test::Swtpm::Certificates::kNo);
  std::vector<Bytes> before, behind;
  for (std::vector<Bytes>* seen : {&before, &behind}) {
    auto tpm = Open(swtpm);
    for (const TpmKeyType type : {TpmKeyType::kP256, TpmKeyType::kP384}) {
      auto ak = tpm->AttestationKey(type), ek = tpm->EndorsementKey(type);
      ASSERT_TRUE(ak.ok() && ek.ok()) << Message(ak) << Message(ek);
      seen->push_back(ak->public_area);
      seen->push_back(ek->public_area);
      tpm->Flush(*ak);
      tpm->Flush(*ek);
    }
    tpm.reset();
    swtpm.PowerCycle();
    auto started = Tpm::Open(swtpm.tcti());
    // A TPM that nobody started does not answer, and the message says so.
    EXPECT_EQ(started.status().code(), absl::StatusCode::kInternal);
    EXPECT_THAT(Message(started), HasSubstr("TPM2_Startup"));
    swtpm.Startup();
  }
  EXPECT_EQ(before, behind);
  EXPECT_EQ(std::set<Bytes>(before.begin(), before.end()).size(), before.size());
}

// --- clock and counters --------------------------------------------------------------------------------------------

struct Counters {
  std::uint64_t resets, restarts, clock;
};
Counters CountersOf(Tpm& tpm) {
  auto ak = tpm.AttestationKey(TpmKeyType::kP256);
  EXPECT_TRUE(ak.ok());
  const auto quote = tpm.QuoteBy(*ak, kExtraData, All());
  EXPECT_TRUE(quote.ok());
  CheckLog log;
  const auto bundle = Take(ItemsOf(*quote, ak->public_area), log);
  EXPECT_TRUE(bundle);
  tpm.Flush(*ak);
  return {*bundle->claims().Get<std::uint64_t>("tpm.reset_count"), *bundle->claims().Get<std::uint64_t>("tpm.restart_count"),
          *bundle->claims().Get<std::uint64_t>("tpm.clock")};
}

TEST_F(RealTpm, AQuoteTellsOfResetsAndResumptions) {
  test::Swtpm swtpm(test::Swtpm::Certificates::kNo);
  auto tpm = Open(swtpm);
  const Counters first = CountersOf(*tpm);
  EXPECT_GE(CountersOf(*tpm).clock, first.clock);
  // Off and on: a reset.
  ASSERT_EQ(::Esys_Shutdown(tpm->esys(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_SU_CLEAR), TSS2_RC_SUCCESS);
  tpm.reset();
  swtpm.PowerCycle();
  swtpm.Startup();
  tpm = Open(swtpm);
  const Counters reset = CountersOf(*tpm);
  EXPECT_EQ(reset.resets, first.resets + 1);
  EXPECT_EQ(reset.restarts, 0u);
  // Suspended and resumed: no reset.
  ASSERT_EQ(::Esys_Shutdown(tpm->esys(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_SU_STATE), TSS2_RC_SUCCESS);
  tpm.reset();
  swtpm.PowerCycle();
  swtpm.Startup(test::Swtpm::Start::kState);
  tpm = Open(swtpm);
  const Counters resumed = CountersOf(*tpm);
  EXPECT_EQ(resumed.resets, reset.resets);
  EXPECT_EQ(resumed.restarts, reset.restarts + 1);
}

// --- activation ----------------------------------------------------------------------------------------------------

struct Sealed {
  trust::SealedSecret secret;
  crypto::Credential credential;
};
Sealed Seal(const Bytes& ek, ByteView name, std::uint8_t filler = 0x77) {
  const tpm::PublicArea area = AreaOf(ek);
  Sealed sealed{{area.key().spki_sha256(), ToBytes(name), Bytes(trust::kActivationSecretSize, filler)}, {}};
  auto credential =
      crypto::MakeCredential({area.key(), *tpm::HashOf(area.name_algorithm()), area.symmetric_bits()}, name, sealed.secret.secret);
  EXPECT_TRUE(credential);
  sealed.credential = *std::move(credential);
  return sealed;
}

// Our MakeCredential against TPM2_ActivateCredential, by policy session (RSA, P-256) and by password (P-384).
TEST_F(RealTpm, ASecretComesBackFromTheTpmThatHoldsBothKeys) {
  for (const TpmKeyType ek_type : kTypes) {
    for (const TpmKeyType ak_type : {TpmKeyType::kP256, TpmKeyType::kRsa2048}) {
      auto ek = tpm_->EndorsementKey(ek_type), ak = tpm_->AttestationKey(ak_type);
      ASSERT_TRUE(ek.ok() && ak.ok()) << Message(ek) << Message(ak);
      const Bytes name = AreaOf(ak->public_area).name();
      const Sealed sealed = Seal(ek->public_area, name);
      const auto returned = tpm_->Activate(*ak, *ek, sealed.credential.id_object, sealed.credential.encrypted_secret);
      ASSERT_TRUE(returned.ok()) << Message(returned);
      const auto activation = trust::Activation::Redeem(sealed.secret, *returned);
      ASSERT_TRUE(activation);
      CheckLog log;
      const auto vouched_ek = tpm::VouchEkByEnrolment(AreaOf(ek->public_area), trust::EnrolledKeys({AreaOf(ek->public_area).name()}), log);
      ASSERT_TRUE(vouched_ek) << Show(log);
      EXPECT_TRUE(tpm::VouchByActivation(AreaOf(ak->public_area), *vouched_ek, *activation, log)) << Show(log);
      tpm_->Flush(*ak);
      tpm_->Flush(*ek);
    }
  }
}

TEST_F(RealTpm, Attack026_NeitherAnotherKeyNorAnotherTpmGetsTheSecret) {
  auto ek = tpm_->EndorsementKey(TpmKeyType::kP256), ak = tpm_->AttestationKey(TpmKeyType::kP256);
  ASSERT_TRUE(ek.ok() && ak.ok());
  const Bytes name = AreaOf(ak->public_area).name();
  const auto refused = [&](Tpm& tpm, const Tpm::Key& with_ak, const Tpm::Key& with_ek, const Sealed& sealed) {
    const auto returned = tpm.Activate(with_ak, with_ek, sealed.credential.id_object, sealed.credential.encrypted_secret);
    EXPECT_FALSE(returned.ok());
    EXPECT_THAT(Message(returned), HasSubstr("TPM2_ActivateCredential"));
  };
  // For an object of another name.
  Bytes other = name;
  other.back() ^= 1;
  refused(*tpm_, *ak, *ek, Seal(ek->public_area, other));
  // Damaged on the way.
  Sealed damaged = Seal(ek->public_area, name);
  damaged.credential.id_object.back() ^= 1;
  refused(*tpm_, *ak, *ek, damaged);
  // Under another endorsement key of the same TPM, and of another TPM.
  auto p384 = tpm_->EndorsementKey(TpmKeyType::kP384);
  ASSERT_TRUE(p384.ok());
  refused(*tpm_, *ak, *ek, Seal(p384->public_area, name));
  tpm_->Flush(*p384);
  test::Swtpm second(test::Swtpm::Certificates::kNo);
  const auto stranger = Open(second);
  auto their_ek = stranger->EndorsementKey(TpmKeyType::kP256), their_ak = stranger->AttestationKey(TpmKeyType::kP256);
  ASSERT_TRUE(their_ek.ok() && their_ak.ok());
  refused(*stranger, *their_ak, *their_ek, Seal(ek->public_area, AreaOf(their_ak->public_area).name()));
  // What is no credential at all.
  const auto nothing = tpm_->Activate(*ak, *ek, Bytes{1, 2, 3}, Bytes{});
  EXPECT_EQ(nothing.status().code(), absl::StatusCode::kInvalidArgument);
  // After all this the right one still comes back.
  const Sealed right = Seal(ek->public_area, name);
  const auto returned = tpm_->Activate(*ak, *ek, right.credential.id_object, right.credential.encrypted_secret);
  ASSERT_TRUE(returned.ok()) << Message(returned);
  EXPECT_TRUE(trust::Activation::Redeem(right.secret, *returned));
}

// The certificate in the TPM, under the CA that made it, which the operator configured.
TEST_F(RealTpm, TheEndorsementKeysCertificateLeadsToTheOperatorsRoot) {
  std::vector<trust::CollateralItem> documents;
  for (const Bytes& pem : {shared_->IssuerCertificate(), shared_->RootCertificate()}) {
    auto unpacked = tpm::Unpack(trust::UntrustedBytes(pem), trust::CollateralSource::kSupplied, nullptr);
    ASSERT_TRUE(unpacked.ok());
    for (trust::CollateralItem& one : std::move(unpacked).value()) documents.push_back(std::move(one));
  }
  const auto root = crypto::Certificate::FromDer(codec::ParsePem(AsText(shared_->RootCertificate()))->front().der, "root");
  ASSERT_TRUE(root.ok());
  const trust::CollateralSnapshot collateral(documents);
  const trust::AnchorSet anchors({{std::string(tpm::kOperatorVendor), std::string(tpm::kProduct), root->public_key().spki_sha256()}},
                                 false),
      others({}, false);
  const trust::Challenge challenge = trust::Challenge::NotDemanded(true);
  struct {
    TpmKeyType type;
    std::uint32_t index;
  } const cases[] = {{TpmKeyType::kRsa2048, 0x01C00002}, {TpmKeyType::kP384, 0x01C00016}};
  for (const auto& one : cases) {
    auto ek = tpm_->EndorsementKey(one.type);
    const auto der = tpm_->Nv(one.index);
    ASSERT_TRUE(ek.ok() && der.ok()) << Message(ek) << Message(der);
    const auto certificate = crypto::Certificate::FromDer(*der, "ek");
    ASSERT_TRUE(certificate.ok());
    CheckLog log;
    const auto vouched =
        tpm::VouchEkByCertificate(*certificate, AreaOf(ek->public_area), tpm::kOperatorProfile,
                                  {.anchors = anchors, .collateral = collateral, .challenge = challenge, .caches = nullptr}, log);
    EXPECT_TRUE(vouched) << Show(log);
    CheckLog refused;
    EXPECT_FALSE(tpm::VouchEkByCertificate(*certificate, AreaOf(ek->public_area), tpm::kOperatorProfile,
                                           {.anchors = others, .collateral = collateral, .challenge = challenge, .caches = nullptr},
                                           refused));
    EXPECT_THAT(Refusals(refused), Contains("root_not_pinned"));
    tpm_->Flush(*ek);
  }
}

// --- event log -----------------------------------------------------------------------------------------------------

void Extend(ESYS_CONTEXT* esys, const tcg_log::test::PlainLog& log) {
  for (const tcg_log::test::PlainEvent& event : log.events) {
    if (event.type == 3) continue;
    TPML_DIGEST_VALUES digests{};
    for (const auto& [algorithm, size] : log.algorithms) {
      TPMT_HA& digest = digests.digests[digests.count++];
      digest.hashAlg = algorithm;
      const Bytes value = tcg_log::test::PlainLog::DigestOf(algorithm, size, event);
      std::copy(value.begin(), value.end(), digest.digest.sha512);
    }
    ASSERT_EQ(::Esys_PCR_Extend(esys, ESYS_TR_PCR0 + event.index, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &digests), TSS2_RC_SUCCESS);
  }
}

TEST_F(RealTpm, TheLogOfWhatWasExtendedReplaysToTheQuote) {
  test::Swtpm swtpm(test::Swtpm::Certificates::kNo);
  auto tpm = Open(swtpm);
  const tcg_log::test::PlainLog plain = tcg_log::test::PcrLog();
  Extend(tpm->esys(), plain);
  auto ak = tpm->AttestationKey(TpmKeyType::kP256);
  ASSERT_TRUE(ak.ok());
  const auto quote = tpm->QuoteBy(*ak, kExtraData, All());
  ASSERT_TRUE(quote.ok());
  const auto items_with = [&](const tcg_log::test::PlainLog& log) {
    std::vector<evidence::Item> items = ItemsOf(*quote, ak->public_area);
    items.push_back({std::string(tcg_log::kTcgEventLogMediaType), trust::UntrustedBytes(log.Write())});
    return items;
  };
  CheckLog log;
  const auto bundle = Take(items_with(plain), log);
  ASSERT_TRUE(bundle) << Show(log);
  EXPECT_EQ(*bundle->claims().Get<std::string>("log.bank"), "sha256");
  EXPECT_EQ(*bundle->claims().Get<std::string>("log.secure_boot"), "true");
  EXPECT_EQ(*bundle->claims().Get<std::string>("log.kernel_cmdline"), "/vmlinuz root=/dev/sda1 ro");

  tcg_log::test::PlainLog shorter = plain, other = plain, reordered = plain;
  shorter.events.erase(shorter.events.begin() + tcg_log::test::kPcrGrub);
  other.events[tcg_log::test::kPcrCommandLine] = tcg_log::test::InPcr(8, tcg_log::test::CommandLine("/vmlinuz root=/dev/sda1 ro quiet"));
  std::swap(reordered.events[tcg_log::test::kPcrShim], reordered.events[tcg_log::test::kPcrGrub]);
  std::swap(reordered.events[tcg_log::test::kPcrShim].measured, reordered.events[tcg_log::test::kPcrKernel].measured);
  for (const tcg_log::test::PlainLog* wrong : {&shorter, &other, &reordered}) {
    CheckLog refused;
    EXPECT_FALSE(Take(items_with(*wrong), refused));
    EXPECT_THAT(Refusals(refused), UnorderedElementsAre("event_log_mismatch"));
  }
  // What the guest extends behind its boot shows: the log of the boot no longer replays.
  tcg_log::test::PlainLog more;
  more.algorithms = plain.algorithms;
  more.events = {tcg_log::test::Measured(4, 0x0D, "something else")};
  Extend(tpm->esys(), more);
  const auto later = tpm->QuoteBy(*ak, kExtraData, All());
  ASSERT_TRUE(later.ok());
  std::vector<evidence::Item> items = ItemsOf(*later, ak->public_area);
  items.push_back({std::string(tcg_log::kTcgEventLogMediaType), trust::UntrustedBytes(plain.Write())});
  CheckLog refused;
  EXPECT_FALSE(Take(items, refused));
  EXPECT_THAT(Refusals(refused), UnorderedElementsAre("event_log_mismatch"));
}

// --- what goes wrong -----------------------------------------------------------------------------------------------

TEST_F(RealTpm, WhatIsNotThereIsNamed) {
  const auto handle = tpm_->Persistent(0x81000042);
  EXPECT_EQ(handle.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(Message(handle), HasSubstr("0x81000042"));
  EXPECT_EQ(tpm_->Nv(0x01C0FFFF).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(tpm_->QuoteBy(*tpm_->AttestationKey(TpmKeyType::kP256), Bytes(65, 1), All()).status().code(),
            absl::StatusCode::kInvalidArgument);
  const auto no_bank = tpm_->QuoteBy(*tpm_->AttestationKey(TpmKeyType::kP256), kExtraData, All(tpm::kAlgSha512));
  EXPECT_EQ(no_bank.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(Message(no_bank), HasSubstr("tpm2_pcrallocate"));
  auto persistent = tpm_->Persistent(0x81010001);  // swtpm_setup's
  ASSERT_TRUE(persistent.ok()) << Message(persistent);
  EXPECT_EQ(persistent->public_area, tpm_->EndorsementKey(TpmKeyType::kRsa2048)->public_area);
}

TEST_F(RealTpm, ATpmThatIsGoneOrNeverWasIsToldFromOneThatRefuses) {
  test::Swtpm swtpm(test::Swtpm::Certificates::kNo);
  const auto tpm = Open(swtpm);
  auto ak = tpm->AttestationKey(TpmKeyType::kP256);
  ASSERT_TRUE(ak.ok());
  swtpm.Kill();
  const auto gone = tpm->QuoteBy(*ak, kExtraData, All());
  EXPECT_EQ(gone.status().code(), absl::StatusCode::kInternal) << Message(gone);
  EXPECT_THAT(Message(gone), HasSubstr("does not answer"));
  for (const std::string& tcti :
       {swtpm.tcti(), std::string("swtpm:path=/nowhere/tpm"), std::string("no-such-transport:x"), std::string("")}) {
    EXPECT_EQ(Tpm::Open(tcti).status().code(), absl::StatusCode::kNotFound) << tcti;
  }
  const auto device = Tpm::Open("device:/dev/tpm-that-is-not-there");
  EXPECT_EQ(device.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(Message(device), HasSubstr("/dev/tpmrm0"));
  EXPECT_EQ(Tpm::Open("/dev/tpm-that-is-not-there").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(RealTpm, APasswordOnTheEndorsementHierarchyIsTold) {
  test::Swtpm swtpm(test::Swtpm::Certificates::kNo);
  const auto tpm = Open(swtpm);
  TPM2B_AUTH password{};
  password.size = 6;
  std::memcpy(password.buffer, "secret", 6);
  ASSERT_EQ(::Esys_HierarchyChangeAuth(tpm->esys(), ESYS_TR_RH_ENDORSEMENT, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &password),
            TSS2_RC_SUCCESS);
  const auto fresh = Open(swtpm);
  const auto key = fresh->AttestationKey(TpmKeyType::kP256);
  EXPECT_EQ(key.status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(Message(key), HasSubstr("password"));
}

TEST_F(RealTpm, ALockedOutTpmIsTold) {
  test::Swtpm swtpm(test::Swtpm::Certificates::kNo);
  const auto tpm = Open(swtpm);
  // A key that dictionary attacks bar, unlike ours, and a password that isn't the one.
  TPM2B_SENSITIVE_CREATE sensitive{};
  sensitive.sensitive.userAuth.size = 1;
  sensitive.sensitive.userAuth.buffer[0] = 'x';
  const TPM2B_PUBLIC area = KeyWith(kUnrestricted | TPMA_OBJECT_RESTRICTED);
  const TPM2B_DATA outside{};
  const TPML_PCR_SELECTION none{};
  ESYS_TR object = ESYS_TR_NONE;
  TPM2B_PUBLIC* raw = nullptr;
  ASSERT_EQ(::Esys_CreatePrimary(tpm->esys(), ESYS_TR_RH_ENDORSEMENT, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &sensitive, &area,
                                 &outside, &none, &object, &raw, nullptr, nullptr, nullptr),
            TSS2_RC_SUCCESS);
  const Owned<TPM2B_PUBLIC> made(raw);
  const Tpm::Key key{object, Tpm2bOf(*made)};
  const TPM2B_AUTH guess{.size = 1, .buffer = {'y'}};
  ASSERT_EQ(::Esys_TR_SetAuth(tpm->esys(), object, &guess), TSS2_RC_SUCCESS);
  const auto wrong = tpm->QuoteBy(key, kExtraData, All());
  EXPECT_EQ(wrong.status().code(), absl::StatusCode::kPermissionDenied) << Message(wrong);
  absl::Status last = wrong.status();
  for (int i = 0; i < 40 && absl::IsPermissionDenied(last); ++i) last = tpm->QuoteBy(key, kExtraData, All()).status();
  EXPECT_EQ(last.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(MessageOf(last)), HasSubstr("locked out"));
  // Our own keys are no matter of dictionary attacks.
  auto ours = tpm->AttestationKey(TpmKeyType::kP256);
  ASSERT_TRUE(ours.ok()) << Message(ours);
  EXPECT_TRUE(tpm->QuoteBy(*ours, kExtraData, All()).ok());
}

// --- the collector -------------------------------------------------------------------------------------------------

agent::Demand DemandOf(std::vector<std::pair<std::string, std::string>> parameters) {
  agent::Demand demand{{}, {}, {{std::string(tpm::kQuoteMediaType), std::move(parameters)}}};
  std::copy(kExtraData.begin(), kExtraData.end(), demand.extra_data.begin());
  return demand;
}
const std::string kAllOfSha256 = "sha256:0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23";

std::vector<evidence::Item> ItemsOf(const agent::CollectedEvidence& evidence) {
  std::vector<evidence::Item> items;
  for (const agent::CollectedItem& item : evidence.items) items.push_back({item.media_type, trust::UntrustedBytes(item.body)});
  return items;
}

TEST_F(RealTpm, TheCollectorAnswersWhatAChallengeAsksFor) {
  tpm_.reset();
  agent::TpmCollector collector({.tcti = shared_->tcti()});
  const auto keys = collector.Keys();
  ASSERT_TRUE(keys.ok()) << Message(keys);
  EXPECT_EQ(crypto::Certificate::FromDer(keys->endorsement_certificate, "ek")->public_key(), AreaOf(keys->endorsement_key).key());
  const Sealed sealed = Seal(keys->endorsement_key, AreaOf(keys->attestation_key).name());
  const auto evidence = collector.Answer(DemandOf({{"pcr_selection", kAllOfSha256},
                                                   {"credential_blob", ToHex(sealed.credential.id_object)},
                                                   {"encrypted_secret", ToHex(sealed.credential.encrypted_secret)}}));
  ASSERT_TRUE(evidence.ok()) << Message(evidence);
  EXPECT_EQ(evidence->activation_secret, sealed.secret.secret);
  CheckLog log;
  EXPECT_TRUE(Take(ItemsOf(*evidence), log)) << Show(log);
  // Without a credential there is no secret.
  const auto plain = collector.Answer(DemandOf({{"pcr_selection", kAllOfSha256}}));
  ASSERT_TRUE(plain.ok()) << Message(plain);
  EXPECT_TRUE(plain->activation_secret.empty());
}

TEST_F(RealTpm, TheCollectorUsesTheKeyAndTheLogThatItIsTold) {
  test::Swtpm swtpm(test::Swtpm::Certificates::kNo);
  {
    const auto tpm = Open(swtpm);
    auto ak = tpm->AttestationKey(TpmKeyType::kRsa2048);
    ASSERT_TRUE(ak.ok());
    ESYS_TR kept = ESYS_TR_NONE;
    ASSERT_EQ(
        ::Esys_EvictControl(tpm->esys(), ESYS_TR_RH_OWNER, ak->object, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, 0x81000003, &kept),
        TSS2_RC_SUCCESS);
    Extend(tpm->esys(), tcg_log::test::PcrLog());
  }
  const std::string log_file = (swtpm.directory() / "log").string();
  const Bytes log_bytes = tcg_log::test::PcrLog().Write();
  std::ofstream(log_file, std::ios::binary)
      .write(reinterpret_cast<const char*>(log_bytes.data()), static_cast<std::streamsize>(log_bytes.size()));
  agent::TpmCollector collector({.tcti = swtpm.tcti(), .attestation_key_handle = 0x81000003, .event_log = log_file});
  const auto keys = collector.Keys();
  ASSERT_TRUE(keys.ok()) << Message(keys);
  EXPECT_TRUE(keys->endorsement_certificate.empty());  // there is none in this TPM
  EXPECT_FALSE(keys->endorsement_key.empty());
  const auto evidence = collector.Answer(DemandOf({{"pcr_selection", kAllOfSha256}}));
  ASSERT_TRUE(evidence.ok()) << Message(evidence);
  CheckLog log;
  const auto bundle = Take(ItemsOf(*evidence), log);
  ASSERT_TRUE(bundle) << Show(log);
  EXPECT_NE(bundle->claims().Find("log.bank"), nullptr);
  agent::TpmCollector absent({.tcti = swtpm.tcti(), .attestation_key_handle = 0x81000004});
  EXPECT_EQ(absent.Keys().status().code(), absl::StatusCode::kNotFound);
}

TEST_F(RealTpm, TheCollectorRefusesWhatNoServerOfOursAsks) {
  tpm_.reset();
  agent::TpmCollector collector({.tcti = shared_->tcti(), .event_log = "/nowhere/log"});
  ASSERT_TRUE(collector.Keys().ok());
  struct {
    agent::Demand demand;
    absl::StatusCode code;
    const char* message;
  } const cases[] = {
      {{}, absl::StatusCode::kFailedPrecondition, "without --tpm"},
      {DemandOf({}), absl::StatusCode::kInvalidArgument, "pcr_selection"},
      {DemandOf({{"pcr_selection", "sha256:24"}}), absl::StatusCode::kInvalidArgument, "sha256:0,1,2"},
      {DemandOf({{"pcr_selection", kAllOfSha256}, {"credential_blob", "zz"}}), absl::StatusCode::kInvalidArgument, "credential_blob"},
      {DemandOf({{"pcr_selection", kAllOfSha256}, {"credential_blob", "0102"}}), absl::StatusCode::kInvalidArgument, "TPM2B_ID_OBJECT"},
      {DemandOf({{"pcr_selection", kAllOfSha256}}), absl::StatusCode::kNotFound, "--event-log"},
  };
  for (const auto& one : cases) {
    const auto evidence = collector.Answer(one.demand);
    EXPECT_EQ(evidence.status().code(), one.code) << one.message;
    EXPECT_THAT(Message(evidence), HasSubstr(one.message));
  }
}

TEST(PcrBanks, AreReadExactly) {
  const auto two = agent::PcrBanksFrom("sha256:7,0+sha1:23");
  ASSERT_TRUE(two.ok());
  EXPECT_EQ(*two, (std::vector<PcrBank>{{tpm::kAlgSha256, {0, 7}}, {tpm::kAlgSha1, {23}}}));
  for (const char* wrong :
       {"", "sha256", "sha256:", "sha256:24", "sha256:-1", "sha256:0,", "sha256:,0", "sha256:0,0", "sha256:0 ", "sha256: 0", "SHA256:0",
        "md5:0", "sha256:0+", "+sha256:0", "sha256:0+sha256:1", "sha256:0;1", "sha256:4294967296", "sha256:0x1"}) {
    EXPECT_EQ(agent::PcrBanksFrom(wrong).status().code(), absl::StatusCode::kInvalidArgument) << wrong;
  }
}

TEST(TpmStatus, SaysWhatToDo) {
  struct {
    std::uint32_t response;
    absl::StatusCode code;
    const char* remedy;
  } const cases[] = {
      {TPM2_RC_LOCKOUT, absl::StatusCode::kInternal, "locked out"},
      {TSS2_RESMGR_TPM_RC_LAYER | TPM2_RC_LOCKOUT, absl::StatusCode::kInternal, "locked out"},
      {TPM2_RC_BAD_AUTH | TPM2_RC_S | TPM2_RC_1, absl::StatusCode::kPermissionDenied, "password"},
      {TPM2_RC_AUTH_FAIL | TPM2_RC_S | TPM2_RC_1, absl::StatusCode::kPermissionDenied, "password"},
      {TPM2_RC_HANDLE | TPM2_RC_P | TPM2_RC_1, absl::StatusCode::kNotFound, "no such object"},
      {TPM2_RC_FAILURE, absl::StatusCode::kInternal, "self-test"},
      {TPM2_RC_INITIALIZE, absl::StatusCode::kInternal, "TPM2_Startup"},
      {TPM2_RC_OBJECT_MEMORY, absl::StatusCode::kInternal, "/dev/tpmrm0"},
      {TPM2_RC_VALUE | TPM2_RC_P | TPM2_RC_2, absl::StatusCode::kFailedPrecondition, "refuses"},
      {TSS2_TCTI_RC_IO_ERROR, absl::StatusCode::kInternal, "does not answer"},
      {TSS2_ESYS_RC_BAD_TR, absl::StatusCode::kInternal, "tpm2-tss"},
  };
  for (const auto& one : cases) {
    const absl::Status status = agent::TpmStatus(one.response, "TPM2_Quote");
    EXPECT_EQ(status.code(), one.code) << one.remedy;
    EXPECT_THAT(std::string(MessageOf(status)), testing::AllOf(HasSubstr("TPM2_Quote"), HasSubstr(one.remedy)));
  }
  EXPECT_TRUE(agent::TpmStatus(0, "TPM2_Quote").ok());
}

}  // namespace
}  // namespace assay
