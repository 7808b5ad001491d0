#include "tests/unit/dcap/minted_tcb.h"

#include "base/bug.h"
#include "base/hex.h"
#include "base/strings.h"
#include "crypto/certificate.h"
#include "evidence/dcap/collateral_kinds.h"

namespace assay::dcap::test {
namespace {

std::string Components(unsigned svn) {
  std::string text;
  for (int i = 0; i < 16; ++i) text += Cat(i == 0 ? "[" : ",", "{\"svn\":", svn, "}");
  return text + "]";
}
std::string Verdict(std::string_view status, std::string_view more = "") {
  return Cat("\"tcbDate\":\"2025-05-14T00:00:00Z\",\"tcbStatus\":\"", status, "\"", more);
}
std::string Level(unsigned sgx, unsigned tdx, unsigned pce, std::string_view verdict) {
  return Cat("{\"tcb\":{\"sgxtcbcomponents\":", Components(sgx), ",\"pcesvn\":", pce, ",\"tdxtcbcomponents\":", Components(tdx), "},", verdict, "}");
}
std::string IsvLevel(unsigned svn, std::string_view verdict) { return Cat("{\"tcb\":{\"isvsvn\":", svn, "},", verdict, "}"); }
std::string Module(std::string_view more) {
  return Cat("{\"mrsigner\":\"", std::string(96, '0'), "\",\"attributes\":\"0000000000000000\",\"attributesMask\":\"FFFFFFFFFFFFFFFF\"", more, "}");
}

constexpr std::string_view kDates = "\"issueDate\":\"2026-06-01T00:00:00Z\",\"nextUpdate\":\"2026-07-01T00:00:00Z\",\"tcbEvaluationDataNumber\":18,";

const softtee::Key& SigningKey() {
  static const softtee::Key key = softtee::Key::GenerateP256();
  return key;
}

trust::CollateralItem Document(trust::CollateralKey item_key, std::string_view name, const std::string& body, const softtee::Key* signer) {
  const Bytes signature = Sign(signer == nullptr ? SigningKey() : *signer, AsBytes(body));
  const trust::UntrustedBytes bytes(ToBytes(AsBytes(Cat("{\"", name, "\":", body, ",\"signature\":\"", ToHex(signature), "\"}"))));
  return {std::move(item_key), bytes, bytes.Sha256()};
}

}  // namespace

std::string TcbInfoBody() {
  return Cat("{\"id\":\"TDX\",\"version\":3,", kDates, "\"fmspc\":\"00806F050000\",\"pceId\":\"0000\",\"tcbType\":0,\"tdxModule\":", Module(""),
             ",\"tdxModuleIdentities\":[",
             Module(Cat(",\"id\":\"TDX_01\",\"tcbLevels\":[", IsvLevel(6, Verdict("UpToDate")), ",", IsvLevel(4, Verdict("OutOfDate")), "]")),
             "],\"tcbLevels\":[", Level(5, 5, 13, Verdict("UpToDate")), ",",
             Level(1, 1, 5, Verdict("OutOfDate", ",\"advisoryIDs\":[\"INTEL-SA-00001\"]")), "]}");
}

std::string QeIdentityBody() {
  return Cat("{\"id\":\"TD_QE\",\"version\":2,", kDates,
             "\"miscselect\":\"00000000\",\"miscselectMask\":\"FFFFFFFF\",\"attributes\":\"11000000000000000000000000000000\","
             "\"attributesMask\":\"FBFFFFFFFFFFFFFF0000000000000000\",\"mrsigner\":\"",
             ToHex(Bytes(32, 0xDC)), "\",\"isvprodid\":2,\"tcbLevels\":[", IsvLevel(4, Verdict("UpToDate")), ",", IsvLevel(2, Verdict("OutOfDate")), "]}");
}

std::vector<trust::CollateralItem> TcbDocuments(const TcbOptions& options, const Pki& pki) {
  softtee::Certificate certificate;
  certificate.serial = kTcbSigningSerial;
  certificate.subject = IntelName("Intel SGX TCB Signing");
  certificate.issuer = IntelName("Intel SGX Root CA");
  certificate.not_before = kNotBefore;
  certificate.not_after = kNotAfter;
  certificate.subject_public_key_info = SigningKey().SubjectPublicKeyInfo();
  certificate.style = softtee::SignatureStyle::kEcdsaSha256;
  certificate.extensions = {softtee::extension::KeyUsage(softtee::kDigitalSignature | 0x4000), softtee::extension::BasicConstraints(false, std::nullopt)};
  if (options.certificate) options.certificate(certificate);
  const Bytes der = certificate.SignedBy(options.issuer == nullptr ? pki.root : *options.issuer);

  std::vector<trust::CollateralItem> items;
  items.push_back(Document({std::string(kTcbInfoKind), "TDX", "00806f050000"}, "tcbInfo", options.info, options.signer));
  items.push_back(Document({std::string(kQeIdentityKind), "TD_QE", {}}, "enclaveIdentity", options.identity, options.signer));
  const trust::UntrustedBytes bytes(der);
  trust::CollateralItem signing{{std::string(kTcbSigningKind), {}, {}}, bytes, bytes.Sha256()};
  auto decoded = crypto::Certificate::FromDer(der);
  ASSAY_CHECK(decoded.ok());
  signing.certificate = std::move(decoded).value();
  items.push_back(std::move(signing));
  return items;
}

std::string EvaluationNumbersBody() {
  return "{\"id\":\"TDX\",\"version\":1,\"issueDate\":\"2026-06-01T00:00:00Z\",\"nextUpdate\":\"2026-07-01T00:00:00Z\",\"tcbEvalNumbers\":["
         "{\"tcbEvaluationDataNumber\":17,\"tcbRecoveryEventDate\":\"2024-03-12T00:00:00Z\",\"tcbDate\":\"2024-03-13T00:00:00Z\"},"
         "{\"tcbEvaluationDataNumber\":18,\"tcbRecoveryEventDate\":\"2024-11-12T00:00:00Z\",\"tcbDate\":\"2024-11-13T00:00:00Z\"}]}";
}

trust::CollateralItem EvaluationNumbersItem(const std::string& body, const softtee::Key* signer) {
  return Document({std::string(kEvaluationNumbersKind), "TDX", {}}, "tcbEvaluationDataNumbers", body, signer);
}

MintOptions UpToDate() {
  MintOptions options;
  options.body = [](Bytes& body) {
    body[0] = 6;
    body[1] = 1;
    for (std::size_t i = 2; i < 16; ++i) body[i] = 5;
  };
  options.qe_report = [](Bytes& report) {
    report[48] = 0x11;
    std::fill_n(report.begin() + 128, 32, std::uint8_t{0xDC});
    report[256] = 2;
    report[258] = 4;
  };
  return options;
}

}  // namespace assay::dcap::test
