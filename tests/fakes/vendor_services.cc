#include "tests/fakes/vendor_services.h"

#include <algorithm>
#include <charconv>

#include "base/hex.h"
#include "base/strings.h"
#include "tests/softtee/intel_certificates.h"
#include "tests/softtee/pcs_documents.h"

namespace assay::fakes {
namespace {

using softtee::IntelKind;
using softtee::Product;

std::string Pem(ByteView der) { return softtee::ToPem("CERTIFICATE", der); }

// "&name=value" of a query; nullopt: none.
std::optional<std::string> Parameter(const std::string& target, std::string_view name) {
  const std::size_t query = target.find('?');
  if (query == std::string::npos) return std::nullopt;
  const std::string all = "&" + target.substr(query + 1) + "&";
  const std::string key = Cat("&", name, "=");
  const std::size_t at = all.find(key);
  if (at == std::string::npos) return std::nullopt;
  return all.substr(at + key.size(), all.find('&', at + key.size()) - at - key.size());
}

std::optional<std::uint8_t> Number(const std::string& target, std::string_view name) {
  const auto text = Parameter(target, name);
  unsigned number = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), number).ptr != text->data() + text->size() || number > 255) {
    return std::nullopt;
  }
  return static_cast<std::uint8_t>(number);
}

const Reply kNotFound{.status = 404, .body = "not found"}, kBadRequest{.status = 400, .body = "bad request"};

}  // namespace

void Kds::Throttle(std::chrono::seconds interval, std::function<Moment()> clock) {
  const std::lock_guard lock(mutex_);
  interval_ = interval;
  clock_ = std::move(clock);
}

void Kds::SetList(std::uint64_t number, Duration age, Duration lifetime) {
  const std::lock_guard lock(mutex_);
  number_ = number;
  age_ = age;
  lifetime_ = lifetime;
}

std::size_t Kds::throttled() const {
  const std::lock_guard lock(mutex_);
  return throttled_;
}

Reply Kds::ListOf(Product product) {
  const std::lock_guard lock(mutex_);
  softtee::RevocationList list = pki_.DescribeCrl(product, now_());
  list.number = number_;
  list.this_update = now_() - age_;
  list.next_update = list.this_update + lifetime_;
  return Serve(list.SignedBy(pki_.KeyOf(softtee::Authority::kArk, product)));
}

Reply Kds::AnswerItself(const std::string& target) {
  {
    const std::lock_guard lock(mutex_);
    if (clock_) {
      const Moment now = clock_();
      if (last_ && now < *last_ + interval_) {
        ++throttled_;
        const auto wait = std::chrono::ceil<std::chrono::seconds>(*last_ + interval_ - now);
        return {.status = 429, .body = "Too Many Requests", .headers = {{"Retry-After", Cat(wait.count())}}};
      }
      last_ = now;
    }
  }
  for (const Product product : softtee::kProducts) {
    for (const bool vlek : {false, true}) {
      const std::string prefix = Cat("/", vlek ? "vlek" : "vcek", "/v1/", softtee::NameOf(product), "/");
      if (!target.starts_with(prefix)) continue;
      const std::string document = target.substr(prefix.size());
      if (document == "cert_chain") {
        return {.body = Pem(pki_.CertificateOf(vlek ? softtee::Authority::kAsvk : softtee::Authority::kAsk, product)) +
                        Pem(pki_.CertificateOf(softtee::Authority::kArk, product))};
      }
      if (document == "crl") return ListOf(product);
      if (vlek) return kNotFound;
      const bool turin = product == Product::kTurin;
      const auto id = FromHex(document.substr(0, document.find('?')));
      if (!id || id->size() != (turin ? 8U : 64U)) return kNotFound;
      const auto fmc = Number(target, "fmcSPL"), boot_loader = Number(target, "blSPL"), tee = Number(target, "teeSPL"),
                 snp = Number(target, "snpSPL"), microcode = Number(target, "ucodeSPL");
      if (!boot_loader || !tee || !snp || !microcode || fmc.has_value() != turin) return kBadRequest;
      ByteArray<64> chip_id{};
      std::copy(id->begin(), id->end(), chip_id.begin());
      return Serve(pki_.MintVcek(product, chip_id,
                                 {.fmc = fmc.value_or(0), .boot_loader = *boot_loader, .tee = *tee, .snp = *snp, .microcode = *microcode},
                                 now_()));
    }
  }
  return kNotFound;
}

void Pcs::SetDocuments(unsigned number, Duration age, Duration lifetime) {
  const std::lock_guard lock(mutex_);
  number_ = number;
  age_ = age;
  lifetime_ = lifetime;
}

Reply Pcs::AnswerItself(const std::string& target) {
  const std::lock_guard lock(mutex_);
  const Time now = now_();
  const softtee::Validity long_lived{now - std::chrono::days(3650), now + std::chrono::days(3650)};
  const auto certificate = [&](IntelKind kind) {
    return Pem(softtee::DescribeIntel(kind, softtee::CommonNameOf(IntelKind::kRoot), pki_.KeyOf(kind), {static_cast<std::uint8_t>(kind), 1},
                                      long_lived, &pki_.KeyOf(IntelKind::kRoot))
                   .SignedBy(pki_.KeyOf(IntelKind::kRoot)));
  };
  const auto list = [&](IntelKind issuer) {
    softtee::RevocationList description = softtee::DescribeIntelCrl(issuer, {}, {now - age_, now - age_ + lifetime_}, number_);
    description.authority_key_identifier = pki_.KeyOf(issuer).Identifier();
    const Bytes der = description.SignedBy(pki_.KeyOf(issuer));
    return pccs_ ? ToHex(der) : std::string(AsText(der));
  };
  const std::string path = target.substr(0, target.find('?'));
  const bool tdx = path.starts_with("/tdx/");
  const auto update = Parameter(target, "update");
  if (update && *update != "standard" && *update != "early") return kBadRequest;
  const softtee::DocumentDates dates{
      .issue_date = now - age_, .next_update = now - age_ + lifetime_, .evaluation_data_number = number_ + (update == "early" ? 1 : 0)};
  const softtee::Key& signer = pki_.KeyOf(IntelKind::kTcbSigning);
  const std::string chain = PercentEncoded(certificate(IntelKind::kTcbSigning) + certificate(IntelKind::kRoot));

  if (path == "/Intel_SGX_Provisioning_Certification_RootCA.pem" && !pccs_) return {.body = certificate(IntelKind::kRoot)};
  if (path == (pccs_ ? "/sgx/certification/v4/rootcacrl" : "/IntelSGXRootCA.der")) return {.body = list(IntelKind::kRoot)};
  if (path == "/sgx/certification/v4/pckcrl" && Parameter(target, "encoding") == "der") {
    const auto ca = Parameter(target, "ca");
    if (ca != "platform" && ca != "processor") return kBadRequest;
    const IntelKind issuer = ca == "platform" ? IntelKind::kPlatformCa : IntelKind::kProcessorCa;
    return {.body = list(issuer),
            .headers = {{"SGX-PCK-CRL-Issuer-Chain", PercentEncoded(certificate(issuer) + certificate(IntelKind::kRoot))}}};
  }
  const std::string document = path.size() > 4 ? path.substr(4) : "";
  if (document == "/certification/v4/tcb") {
    const auto fmspc = FromHex(Parameter(target, "fmspc").value_or(""));
    if (!fmspc || fmspc->size() != 6) return kBadRequest;
    softtee::TcbInfo info{.tdx = tdx, .dates = dates};
    if (fmspc->front() != 0) return kNotFound;  // no such platform
    std::copy(fmspc->begin(), fmspc->end(), info.fmspc.begin());
    return {.body = softtee::SignedDocument(softtee::kTcbInfoMember, info.Body(), signer),
            .headers = {{pccs_ ? "SGX-TCB-Info-Issuer-Chain" : "TCB-Info-Issuer-Chain", chain}}};
  }
  if (document == "/certification/v4/qe/identity") {
    return {.body = softtee::SignedDocument(softtee::kQeIdentityMember, softtee::QeIdentity{.tdx = tdx, .dates = dates}.Body(), signer),
            .headers = {{"SGX-Enclave-Identity-Issuer-Chain", chain}}};
  }
  if (document == "/certification/v4/tcbevaluationdatanumbers") {
    return {.body = softtee::SignedDocument(softtee::kEvaluationNumbersMember,
                                            softtee::EvaluationNumbers{.tdx = tdx, .dates = dates}.Body(), signer),
            .headers = {{"TCB-Evaluation-Data-Numbers-Issuer-Chain", chain}}};
  }
  return kNotFound;
}

}  // namespace assay::fakes
