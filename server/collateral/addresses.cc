#include "collateral/addresses.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/hex.h"
#include "base/strings.h"
#include "collateral/document_kinds.h"

namespace assay::collateral {
namespace {

constexpr std::size_t kMostCertificates = std::size_t{64} * 1024;
constexpr std::size_t kMostDocument = std::size_t{256} * 1024;
constexpr std::size_t kMostList = std::size_t{4} * 1024 * 1024;
constexpr std::size_t kChipId = 64, kTurinChipId = 8, kTcb = 8, kFmspc = 6, kMeasurement = 48;

// Exactly so many bytes, in lower-case hexadecimal.
std::optional<Bytes> Hex(std::string_view text, std::size_t size) {
  auto bytes = text.size() == 2 * size ? FromHex(text) : std::nullopt;
  if (!bytes || ToHex(*bytes) != text) return std::nullopt;
  return bytes;
}

bool IsAmdLine(std::string_view scope) { return scope == "Milan" || scope == "Genoa" || scope == "Turin"; }

std::string TwoDigits(std::uint8_t number) {
  return number < 10 ? Cat("0", static_cast<unsigned>(number)) : Cat(static_cast<unsigned>(number));
}

// TCB_VERSION's bytes by the names of the query. Reserved bytes that are set mean a layout that nobody knows.
std::optional<std::string> TcbQuery(bool turin, ByteView tcb) {
  const ByteView reserved = turin ? tcb.subspan(4, 3) : tcb.subspan(2, 4);
  if (std::any_of(reserved.begin(), reserved.end(), [](std::uint8_t byte) { return byte != 0; })) return std::nullopt;
  if (turin) {
    return Cat("?fmcSPL=", TwoDigits(tcb[0]), "&blSPL=", TwoDigits(tcb[1]), "&teeSPL=", TwoDigits(tcb[2]), "&snpSPL=", TwoDigits(tcb[3]),
               "&ucodeSPL=", TwoDigits(tcb[7]));
  }
  return Cat("?blSPL=", TwoDigits(tcb[0]), "&teeSPL=", TwoDigits(tcb[1]), "&snpSPL=", TwoDigits(tcb[6]), "&ucodeSPL=", TwoDigits(tcb[7]));
}

void AddVcek(const trust::CollateralKey& key, std::vector<Address>& addresses) {
  const bool turin = key.scope == "Turin";
  const std::string_view detail = key.detail;
  const std::size_t slash = std::min(detail.find('/'), detail.size());
  const auto chip_id = Hex(detail.substr(0, slash), turin ? kTurinChipId : kChipId);
  const auto tcb = Hex(detail.substr(std::min(slash + 1, detail.size())), kTcb);
  if (!IsAmdLine(key.scope) || !chip_id || !tcb) return;
  // A masked id is every chip's.
  if (std::all_of(chip_id->begin(), chip_id->end(), [](std::uint8_t byte) { return byte == 0; })) return;
  const auto query = TcbQuery(turin, *tcb);
  if (!query) return;
  if (!turin) {
    const Bytes reversed(tcb->rbegin(), tcb->rend());  // as one number
    addresses.push_back({Upstream::kAzureThim,
                         Cat("/SevSnpVM/certificates/", ToHex(*chip_id), "/", ToHex(reversed), "?api-version=2020-10-15-preview"),
                         kMostCertificates});
  }
  addresses.push_back({Upstream::kAmdKds, Cat("/vcek/v1/", key.scope, "/", ToHex(*chip_id), *query), kMostCertificates});
}

void AddAmd(const trust::CollateralKey& key, std::vector<Address>& addresses) {
  if (key.kind == "amd.vcek") return AddVcek(key, addresses);
  if (!IsAmdLine(key.scope)) return;
  const auto add = [&](std::string_view endpoint, std::string_view document, std::size_t most) {
    addresses.push_back({Upstream::kAmdKds, Cat("/", endpoint, "/v1/", key.scope, "/", document), most});
  };
  if (key.kind == "amd.crl") {
    if (key.detail.empty()) add("vcek", "crl", kMostList);
    if (key.detail == kVlekListDetail) add("vlek", "crl", kMostList);
    return;
  }
  if (!key.detail.empty()) return;
  if (key.kind == "amd.ask" || key.kind == "amd.ark") add("vcek", "cert_chain", kMostCertificates);
  if (key.kind == "amd.asvk") add("vlek", "cert_chain", kMostCertificates);
}

void AddIntel(const ChanneledKey& wanted, bool pccs, std::vector<Address>& addresses) {
  const trust::CollateralKey& key = wanted.key;
  const std::string update = Cat("update=", trust::NameOf(wanted.channel));
  const auto add = [&](Upstream upstream, std::string path, std::size_t most) { addresses.push_back({upstream, std::move(path), most}); };
  const std::string_view tee = key.scope == "SGX" || key.scope == "QE" ? "sgx" : "tdx";
  if (key.kind == "intel.tcb_info") {
    const auto fmspc = Hex(key.detail, kFmspc);
    if ((key.scope != "SGX" && key.scope != "TDX") || !fmspc) return;
    std::string upper = ToHex(*fmspc);
    for (char& c : upper) c = c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
    return add(Upstream::kIntelPcs, Cat("/", tee, "/certification/v4/tcb?fmspc=", upper, "&", update), kMostDocument);
  }
  if (!key.detail.empty()) return;
  if (key.kind == "intel.qe_identity") {
    if (key.scope == "QE" || key.scope == "TD_QE") {
      add(Upstream::kIntelPcs, Cat("/", tee, "/certification/v4/qe/identity?", update), kMostDocument);
    }
  } else if (key.kind == "intel.tcb_evaluation_data_numbers") {
    if (key.scope == "SGX" || key.scope == "TDX") {
      add(Upstream::kIntelPcs, Cat("/", tee, "/certification/v4/tcbevaluationdatanumbers"), kMostDocument);
    }
  } else if (key.kind == "intel.pck_crl" || key.kind == "intel.pck_ca") {
    if (key.scope == "platform" || key.scope == "processor") {
      add(Upstream::kIntelPcs, Cat("/sgx/certification/v4/pckcrl?ca=", key.scope, "&encoding=der"), kMostList);
    }
  } else if (!key.scope.empty()) {
    return;
  } else if (key.kind == "intel.root_crl") {
    if (pccs) add(Upstream::kIntelPcs, "/sgx/certification/v4/rootcacrl", kMostList);
    else add(Upstream::kIntelCertificates, "/IntelSGXRootCA.der", kMostList);
  } else if (key.kind == "intel.root") {
    if (!pccs) add(Upstream::kIntelCertificates, "/Intel_SGX_Provisioning_Certification_RootCA.pem", kMostCertificates);
    add(Upstream::kIntelPcs, "/sgx/certification/v4/qe/identity?update=standard", kMostDocument);  // root and signer come in the header
  } else if (key.kind == "intel.tcb_signing") {
    add(Upstream::kIntelPcs, "/sgx/certification/v4/qe/identity?update=standard", kMostDocument);
  }
}

void AddGoogle(const trust::CollateralKey& key, std::vector<Address>& addresses) {
  if ((key.scope != "sevsnp" && key.scope != "tdx") || !Hex(key.detail, kMeasurement)) return;
  addresses.push_back(
      {Upstream::kGceStorage, Cat("/gce_tcb_integrity/ovmf_x64_csm/", key.scope, "/", key.detail, ".binarypb"), kMostDocument});
}

}  // namespace

bool HasChannels(const trust::CollateralKey& key) { return key.kind == "intel.tcb_info" || key.kind == "intel.qe_identity"; }

std::vector<Address> AddressesOf(const ChanneledKey& wanted, const UpstreamConfigs& upstreams) {
  std::vector<Address> addresses;
  const DocumentKind* kind = FindKind(wanted.key.kind);
  if (kind == nullptr || (wanted.channel != trust::Channel::kStandard && !HasChannels(wanted.key))) return addresses;
  switch (kind->vendor) {
    case Vendor::kAmd: AddAmd(wanted.key, addresses); break;
    case Vendor::kIntel: AddIntel(wanted, upstreams.pccs, addresses); break;
    case Vendor::kGoogle: AddGoogle(wanted.key, addresses); break;
  }
  std::erase_if(addresses, [&](const Address& address) { return !upstreams.Of(address.upstream); });
  return addresses;
}

}  // namespace assay::collateral
