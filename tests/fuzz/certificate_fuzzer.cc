// X.509 certificates and AMD's extensions: any bytes are refused for a reason or read; what was read reads the same
// again, says nothing else in PEM, and has a path to a root only if an authority of the software TEE really signed it.
#include <algorithm>
#include <set>

#include "base/bug.h"
#include "codec/pem.h"
#include "crypto/certificate.h"
#include "crypto/der.h"
#include "crypto/path.h"
#include "evidence/sev_snp/endorsement.h"
#include "evidence/sev_snp/unpack.h"
#include "tests/fuzz/fuzzer.h"
#include "tests/fuzz/snp_seeds.h"

namespace assay {
namespace {

using crypto::Certificate;
using softtee::Fault;

std::vector<Bytes> Ders() {
  std::vector<Bytes> ders = fuzz::EndorsementsOf(fuzz::SoundSnp(), {"vcek", "vlek", "ask", "asvk", "ark"});
  const auto add = [&ders](const std::vector<softtee::Evidence>& evidence, const std::vector<std::string_view>& names) {
    for (Bytes& der : fuzz::EndorsementsOf(evidence, names)) ders.push_back(std::move(der));
  };
  add(fuzz::FaultySnp(Fault::kLeafMissing, Fault::kLeafIssuedByRoot), {"vcek", "vlek"});
  // Without kIntermediateRsa2048: its key is another in every process, so CheckPath could not tell it from a forgery.
  add(fuzz::FaultySnp(Fault::kIntermediateMissing, Fault::kIntermediateSalt20), {"ask", "asvk", "ark"});
  add(fuzz::FaultySnp(Fault::kIntermediateOrganization, Fault::kChainOfOtherProduct), {"ask", "asvk", "ark"});
  return ders;
}

bool SameContent(const Certificate& a, const Certificate& b) {
  const auto same_extension = [](const crypto::Extension& x, const crypto::Extension& y) {
    return x.oid == y.oid && x.critical == y.critical && x.value == y.value;
  };
  return a.sha256() == b.sha256() && Equal(a.der(), b.der()) && a.version() == b.version() && a.serial() == b.serial() &&
         a.SubjectText() == b.SubjectText() && a.IssuerText() == b.IssuerText() && a.not_before() == b.not_before() &&
         a.not_after() == b.not_after() && a.public_key().spki_sha256() == b.public_key().spki_sha256() &&
         std::equal(a.extensions().begin(), a.extensions().end(), b.extensions().begin(), b.extensions().end(), same_extension) &&
         a.is_ca() == b.is_ca() && a.path_length() == b.path_length() && a.key_usage() == b.key_usage();
}

void CheckFields(const Certificate& certificate) {
  ASSAY_CHECK(certificate.version() >= 1 && certificate.version() <= 3 && !certificate.serial().empty());
  ASSAY_CHECK(certificate.version() == 3 || certificate.extensions().empty());
  std::set<std::string> oids;
  for (const crypto::Extension& extension : certificate.extensions()) {
    ASSAY_CHECK(oids.insert(extension.oid).second && certificate.FindExtension(extension.oid) == &extension);
  }
  ASSAY_CHECK(oids.contains("2.5.29.15") == certificate.key_usage().has_value());
  ASSAY_CHECK(oids.contains("2.5.29.19") || (!certificate.is_ca() && !certificate.path_length()));
}

// What the software TEE would write for the same TCB, extension by extension: its encoder knows nothing of our decoder.
void CheckTcbAgainstWriter(const Certificate& leaf, const sev_snp::LeafExtensions& read) {
  if (!sev_snp::TcbReservedIsZero(*read.product, read.tcb)) return;  // the writer knows no such TCB
  softtee::Tcb tcb;
  for (const trust::VersionComponent& component : sev_snp::DecodeTcb(*read.product, read.tcb).components) {
    const auto number = static_cast<std::uint8_t>(component.number);
    if (component.name == "fmc") tcb.fmc = number;
    else if (component.name == "boot_loader") tcb.boot_loader = number;
    else if (component.name == "tee") tcb.tee = number;
    else if (component.name == "snp") tcb.snp = number;
    else if (component.name == "microcode") tcb.microcode = number;
    else ASSAY_CHECK(false);
  }
  static const softtee::Key any_key = softtee::Key::Derive(AsBytes("any"));
  const auto product = softtee::ProductNamed(sev_snp::NameOf(*read.product));
  const softtee::Certificate written = softtee::SnpPki::DescribeVcek(*product, softtee::kDefaultChipId, tcb, any_key, softtee::kDefaultNow);
  for (const softtee::Extension& extension : written.extensions) {
    if (!extension.oid.starts_with(softtee::AmdOid("3."))) continue;
    const crypto::Extension* ours = leaf.FindExtension(extension.oid);
    ASSAY_CHECK(ours != nullptr && ours->value == extension.value);
  }
}

void CheckAmdExtensions(const Certificate& certificate) {
  const auto role = sev_snp::RoleOf(certificate);
  const auto read = sev_snp::ReadLeafExtensions(certificate, "leaf");
  if (!read) {
    for (const Finding& finding : read.findings()) ASSAY_CHECK(finding.reason == Reason::kCertificateExtension);
    return;
  }
  ASSAY_CHECK(read->product && read->hwid.has_value() != read->csp_id.has_value());
  ASSAY_CHECK(!read->hwid || read->hwid->size() == (read->product == sev_snp::Product::kTurin ? 8 : 64));
  if (role && role->kind == sev_snp::CertificateKind::kVcek) ASSAY_CHECK(read->hwid && role->product == read->product);
  if (role && role->kind == sev_snp::CertificateKind::kVlek) ASSAY_CHECK(read->csp_id && role->product == read->product);
  CheckTcbAgainstWriter(certificate, *read);
}

void CheckPath(const Certificate& certificate) {
  static const std::vector<Certificate> intermediates = fuzz::Certificates(fuzz::EndorsementsOf(fuzz::SoundSnp(), {"ask", "asvk"}));
  static const std::vector<Certificate> roots = fuzz::Certificates(fuzz::EndorsementsOf(fuzz::SoundSnp(), {"ark"}));
  static const std::set<Bytes> ever_signed = [] {
    std::set<Bytes> parts;
    for (const Bytes& der : Ders()) parts.insert(fuzz::SignedPartOf(der));
    return parts;
  }();
  const auto path = crypto::BuildPath(certificate, intermediates, roots);
  if (!path) {
    ASSAY_CHECK(!path.findings().empty());
    return;
  }
  ASSAY_CHECK(SameContent(path->leaf(), certificate) && path->certificates.size() <= crypto::kMaxPathLength);
  for (std::size_t i = 1; i < path->certificates.size(); ++i) {
    ASSAY_CHECK(path->certificates[i - 1].IsSignedBy(path->certificates[i].public_key()));
  }
  ASSAY_CHECK(ever_signed.contains(fuzz::SignedPartOf(certificate.der())));
  if (sev_snp::CheckAmdProfile(*path).empty()) {
    const auto role = sev_snp::RoleOf(certificate);
    ASSAY_CHECK(role && (role->kind == sev_snp::CertificateKind::kVcek || role->kind == sev_snp::CertificateKind::kVlek));
  }
}

}  // namespace

std::vector<Bytes> fuzz::MintedSeeds() { return Ders(); }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView der(data, size);
  const auto certificate = Certificate::FromDer(der);
  if (!certificate) {
    ASSAY_CHECK(certificate.findings().size() == 1);
    const Reason reason = certificate.findings().front().reason;
    ASSAY_CHECK(reason == Reason::kCertificateMalformed || reason == Reason::kKeyUnsupported);
    return 0;
  }
  ASSAY_CHECK(Equal(certificate->der(), der) && size <= crypto::kMaxCertificateSize && crypto::IsDer(der));
  const auto in_pem = crypto::CertificatesFrom(AsBytes(codec::EncodePem("CERTIFICATE", der)), "again");
  ASSAY_CHECK(in_pem.ok() && in_pem->size() == 1 && SameContent(in_pem->front(), *certificate));
  Bytes longer = ToBytes(der);
  longer.push_back(0);
  ASSAY_CHECK(!Certificate::FromDer(longer) && !Certificate::FromDer(der.first(size - 1)));
  ASSAY_CHECK(certificate->version() != 3 || sev_snp::LooksLike(der) == sev_snp::Container::kCertificate);
  CheckFields(*certificate);
  CheckAmdExtensions(*certificate);
  CheckPath(*certificate);
  return 0;
}

}  // namespace assay
