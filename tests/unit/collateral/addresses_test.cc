#include "collateral/addresses.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/strings.h"
#include "collateral/document_kinds.h"

namespace assay::collateral {
namespace {

const std::string kChip(128, 'a'), kTurinChip(16, 'b'), kMeasurement(96, 'c');
const std::string kMilanTcb = "0102000000000adb", kTurinTcb = "0102030400000051";

UpstreamConfigs All() {
  UpstreamConfigs configs;
  for (const Upstream upstream : kAllUpstreams) configs.Of(upstream) = UpstreamConfig{.base_url = std::string(PublicUrlOf(upstream))};
  return configs;
}

std::vector<std::string> UrlsOf(const ChanneledKey& key, const UpstreamConfigs& configs = All()) {
  std::vector<std::string> urls;
  for (const Address& address : AddressesOf(key, configs)) urls.push_back(configs.Of(address.upstream)->base_url + address.path);
  return urls;
}
using Urls = std::vector<std::string>;

struct Case {
  trust::CollateralKey key;
  Urls urls;
  trust::Channel channel = trust::Channel::kStandard;
};

TEST(Addresses, AreThoseOfTheVendorsInterfaces) {
  const std::string azure =
      Cat("https://global.acccache.azure.net/SevSnpVM/certificates/", kChip, "/db0a000000000201?api-version=2020-10-15-preview");
  const std::string pcs = "https://api.trustedservices.intel.com", certificates = "https://certificates.trustedservices.intel.com",
                    kds = "https://kdsintf.amd.com";
  const std::string identity = pcs + "/sgx/certification/v4/qe/identity?update=standard";
  const Case cases[] = {
      {{"amd.vcek", "Milan", kChip + "/" + kMilanTcb},
       {azure, Cat(kds, "/vcek/v1/Milan/", kChip, "?blSPL=01&teeSPL=02&snpSPL=10&ucodeSPL=219")}},
      {{"amd.vcek", "Genoa", kChip + "/" + kMilanTcb},
       {azure, Cat(kds, "/vcek/v1/Genoa/", kChip, "?blSPL=01&teeSPL=02&snpSPL=10&ucodeSPL=219")}},
      {{"amd.vcek", "Turin", kTurinChip + "/" + kTurinTcb},
       {Cat(kds, "/vcek/v1/Turin/", kTurinChip, "?fmcSPL=01&blSPL=02&teeSPL=03&snpSPL=04&ucodeSPL=81")}},
      {{"amd.ask", "Milan", ""}, {kds + "/vcek/v1/Milan/cert_chain"}},
      {{"amd.ark", "Genoa", ""}, {kds + "/vcek/v1/Genoa/cert_chain"}},
      {{"amd.asvk", "Turin", ""}, {kds + "/vlek/v1/Turin/cert_chain"}},
      {{"amd.crl", "Milan", ""}, {kds + "/vcek/v1/Milan/crl"}},
      {{"amd.crl", "Milan", "vlek"}, {kds + "/vlek/v1/Milan/crl"}},
      {{"intel.tcb_info", "TDX", "00806f050000"}, {pcs + "/tdx/certification/v4/tcb?fmspc=00806F050000&update=standard"}},
      {{"intel.tcb_info", "SGX", "00906ed50000"},
       {pcs + "/sgx/certification/v4/tcb?fmspc=00906ED50000&update=early"},
       trust::Channel::kEarly},
      {{"intel.qe_identity", "TD_QE", ""}, {pcs + "/tdx/certification/v4/qe/identity?update=standard"}},
      {{"intel.qe_identity", "QE", ""}, {pcs + "/sgx/certification/v4/qe/identity?update=early"}, trust::Channel::kEarly},
      {{"intel.tcb_evaluation_data_numbers", "TDX", ""}, {pcs + "/tdx/certification/v4/tcbevaluationdatanumbers"}},
      {{"intel.tcb_evaluation_data_numbers", "SGX", ""}, {pcs + "/sgx/certification/v4/tcbevaluationdatanumbers"}},
      {{"intel.pck_crl", "platform", ""}, {pcs + "/sgx/certification/v4/pckcrl?ca=platform&encoding=der"}},
      {{"intel.pck_crl", "processor", ""}, {pcs + "/sgx/certification/v4/pckcrl?ca=processor&encoding=der"}},
      {{"intel.pck_ca", "processor", ""}, {pcs + "/sgx/certification/v4/pckcrl?ca=processor&encoding=der"}},
      {{"intel.root_crl", "", ""}, {certificates + "/IntelSGXRootCA.der"}},
      {{"intel.root", "", ""}, {certificates + "/Intel_SGX_Provisioning_Certification_RootCA.pem", identity}},
      {{"intel.tcb_signing", "", ""}, {identity}},
      {{"gce.launch_endorsement", "sevsnp", kMeasurement},
       {Cat("https://storage.googleapis.com/gce_tcb_integrity/ovmf_x64_csm/sevsnp/", kMeasurement, ".binarypb")}},
      {{"gce.launch_endorsement", "tdx", kMeasurement},
       {Cat("https://storage.googleapis.com/gce_tcb_integrity/ovmf_x64_csm/tdx/", kMeasurement, ".binarypb")}},
  };
  for (const Case& one : cases) EXPECT_EQ(UrlsOf({one.key, one.channel}), one.urls) << one.key.ToString();
}

// Nothing of evidence gets into a URL that is not digits of the length that the vendor takes.
TEST(Addresses, HintsThatAreNotOfTheirFormHaveNone) {
  const std::string vcek = kChip + "/" + kMilanTcb;
  const trust::CollateralKey keys[] = {
      {"amd.vcek", "Milan", ""},
      {"amd.vcek", "Milan", kChip},
      {"amd.vcek", "Milan", kChip + "/"},
      {"amd.vcek", "Milan", kChip + kMilanTcb},
      {"amd.vcek", "Milan", vcek + "/"},
      {"amd.vcek", "Milan", vcek + "0"},
      {"amd.vcek", "Milan", kChip.substr(1) + "/" + kMilanTcb},
      {"amd.vcek", "Milan", kChip.substr(2) + "/" + kMilanTcb},
      {"amd.vcek", "Milan", "A" + kChip.substr(1) + "/" + kMilanTcb},
      {"amd.vcek", "Milan", "g" + kChip.substr(1) + "/" + kMilanTcb},
      {"amd.vcek", "Milan", "../" + kChip.substr(3) + "/" + kMilanTcb},
      {"amd.vcek", "Milan", "?" + kChip.substr(1) + "/" + kMilanTcb},
      {"amd.vcek", "Milan", std::string(128, '0') + "/" + kMilanTcb},
      {"amd.vcek", "Milan", kChip + "/0102010000000adb"},
      {"amd.vcek", "Milan", kTurinChip + "/" + kMilanTcb},
      {"amd.vcek", "Turin", kChip + "/" + kTurinTcb},
      {"amd.vcek", "Turin", kTurinChip + "/0102030401000051"},
      {"amd.vcek", "Turin", std::string(16, '0') + "/" + kTurinTcb},
      {"amd.vcek", "Venice", vcek},
      {"amd.vcek", "", vcek},
      {"amd.vcek", "milan", vcek},
      {"amd.vcek", "Milan/..", vcek},
      {"amd.vlek", "Milan", kMilanTcb},  // only the provider has it
      {"amd.ask", "Siena", ""},
      {"amd.ask", "", ""},
      {"amd.ask", "Milan", "x"},
      {"amd.crl", "Milan", "vcek"},
      {"amd.crl", "Rome", ""},
      {"intel.tcb_info", "TDX", ""},
      {"intel.tcb_info", "TDX", "00806f05000"},
      {"intel.tcb_info", "TDX", "00806f0500000"},
      {"intel.tcb_info", "TDX", "00806F050000"},
      {"intel.tcb_info", "TDX", "00806f05&x=1"},
      {"intel.tcb_info", "", "00806f050000"},
      {"intel.tcb_info", "QE", "00806f050000"},
      {"intel.qe_identity", "QVE", ""},
      {"intel.qe_identity", "", ""},
      {"intel.qe_identity", "QE", "x"},
      {"intel.pck_crl", "", ""},
      {"intel.pck_crl", "root", ""},
      {"intel.pck", "", "00806f050000"},
      {"intel.root_crl", "SGX", ""},
      {"intel.root", "", "x"},
      {"gce.launch_endorsement", "sevsnp", kMeasurement.substr(1)},
      {"gce.launch_endorsement", "snp", kMeasurement},
      {"", "", ""},
      {"https://example.org/", "", ""},
  };
  for (const trust::CollateralKey& key : keys) EXPECT_EQ(UrlsOf({key}), Urls{}) << key.ToString();
}

TEST(Addresses, TheEarlyChannelHasTcbDocumentsAlone) {
  for (const trust::CollateralKey& key : {trust::CollateralKey{"intel.pck_crl", "platform", ""},
                                          {"intel.root_crl", "", ""},
                                          {"amd.crl", "Milan", ""},
                                          {"intel.tcb_signing", "", ""}}) {
    EXPECT_NE(UrlsOf({key}), Urls{}) << key.ToString();
    EXPECT_EQ(UrlsOf({key, trust::Channel::kEarly}), Urls{}) << key.ToString();
  }
}

TEST(Addresses, APccsHasTheRootListToo) {
  UpstreamConfigs configs;
  configs.pccs = true;
  configs.Of(Upstream::kIntelPcs) = UpstreamConfig{.base_url = "https://pccs.example:8081"};
  EXPECT_EQ(UrlsOf({{"intel.root_crl", "", ""}}, configs), Urls{"https://pccs.example:8081/sgx/certification/v4/rootcacrl"});
  EXPECT_EQ(UrlsOf({{"intel.root", "", ""}}, configs), Urls{"https://pccs.example:8081/sgx/certification/v4/qe/identity?update=standard"});
}

TEST(Addresses, OnlyConfiguredUpstreamsAreAsked) {
  EXPECT_EQ(UrlsOf({{"amd.ask", "Milan", ""}}, {}), Urls{});
  UpstreamConfigs configs = All();
  configs.Of(Upstream::kAzureThim).reset();
  EXPECT_EQ(UrlsOf({{"amd.vcek", "Milan", kChip + "/" + kMilanTcb}}, configs).size(), 1U);
  configs.Of(Upstream::kAmdKds).reset();
  EXPECT_EQ(UrlsOf({{"amd.vcek", "Milan", kChip + "/" + kMilanTcb}}, configs), Urls{});
  EXPECT_NE(UrlsOf({{"intel.tcb_signing", "", ""}}, configs), Urls{});
}

}  // namespace
}  // namespace assay::collateral
