#include "tests/softtee/svsm_evidence.h"

#include <algorithm>
#include <array>

#include "base/bug.h"
#include "base/hex.h"

namespace assay::softtee {
namespace {

void Put32(Bytes& to, std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) to.push_back(static_cast<std::uint8_t>(value >> shift));
}

void PutGuid(Bytes& to, std::string_view text) {
  std::string digits(text);
  std::erase(digits, '-');
  const Bytes guid = *FromHex(digits);
  for (const std::size_t i : {3U, 2U, 1U, 0U, 5U, 4U, 7U, 6U, 8U, 9U, 10U, 11U, 12U, 13U, 14U, 15U}) to.push_back(guid[i]);
}

void Drop(SvsmEvidence& evidence, std::string_view type) {
  std::erase_if(evidence.items, [type](const Item& item) { return item.media_type == type; });
}

struct Entry {
  SvsmFaultEntry entry;
  void (*apply)(SvsmParts& parts);
};

constexpr std::uint32_t kSignToo = 0x00040000, kFixedTpm = 0x2;

const std::array<Entry, 31> kEntries = {{
    {{SvsmFault::kTruncated, "truncated", "svsm_manifest_malformed", "the manifest ends within its header"},
     [](SvsmParts& p) { p.written = [](Bytes& m) { m.resize(23); }; }},
    {{SvsmFault::kLengthOther, "length_other", "svsm_manifest_malformed", "the manifest declares one byte more than it has"},
     [](SvsmParts& p) { p.written = [](Bytes& m) { ++m[16]; }; }},
    {{SvsmFault::kNoServices, "no_services", "svsm_manifest_malformed", "the table has no services"},
     [](SvsmParts& p) { p.manifest.count = 0; }},
    {{SvsmFault::kTooManyServices, "too_many_services", "svsm_manifest_malformed", "the table has 2^32 - 1 services"},
     [](SvsmParts& p) { p.manifest.count = 0xffffffff; }},
    {{SvsmFault::kServiceTwice, "service_twice", "svsm_manifest_malformed", "the virtual TPM stands there twice"},
     [](SvsmParts& p) { p.manifest.services.push_back(p.manifest.services.front()); }},
    {{SvsmFault::kOffsetBack, "offset_back", "svsm_manifest_malformed", "the second service's data begin where the first one's do"},
     [](SvsmParts& p) { p.manifest.services.back().offset = 72; }},
    {{SvsmFault::kOffsetGap, "offset_gap", "svsm_manifest_malformed", "the second service's data begin behind a byte that no service has"},
     [](SvsmParts& p) { p.manifest.services.back().offset = static_cast<std::uint32_t>(73 + p.manifest.services.front().data.size()); }},
    {{SvsmFault::kLengthPastEnd, "length_past_end", "svsm_manifest_malformed", "the second service's data end behind the manifest"},
     [](SvsmParts& p) { p.manifest.services.back().length = 0xfffffff0; }},
    {{SvsmFault::kTail, "tail", "svsm_manifest_malformed", "a byte that no service has stands at the end"},
     [](SvsmParts& p) { p.manifest.tail = {0}; }},
    {{SvsmFault::kTooLong, "too_long", "svsm_manifest_malformed", "the manifest is longer than 16 KiB"},
     [](SvsmParts& p) { p.manifest.services.back().data = Bytes(17 * 1024, 1); }},
    {{SvsmFault::kVtpmMissing, "vtpm_missing", "svsm_vtpm_missing", "no service is the virtual TPM"},
     [](SvsmParts& p) { p.manifest.services.erase(p.manifest.services.begin()); }},
    {{SvsmFault::kEkEmpty, "ek_empty", "svsm_vtpm_missing", "the virtual TPM's data are empty"},
     [](SvsmParts& p) { p.manifest.services.front().data.clear(); }},
    {{SvsmFault::kEkGarbage, "ek_garbage", "tpm_structure_malformed", "the virtual TPM's data are no TPMT_PUBLIC"},
     [](SvsmParts& p) { p.manifest.services.front().data = Bytes(300, 0x5a); }},
    {{SvsmFault::kEkUnrestricted, "ek_unrestricted", "ek_attributes", "the endorsement key signs as well"},
     [](SvsmParts& p) {
       p.ek.attributes |= kSignToo;
       p.manifest.services.front().data = p.ek.Tpmt();
     }},
    {{SvsmFault::kEkNotFixedTpm, "ek_not_fixed_tpm", "ek_attributes", "the endorsement key may leave its TPM"},
     [](SvsmParts& p) {
       p.ek.attributes &= ~kFixedTpm;
       p.manifest.services.front().data = p.ek.Tpmt();
     }},
    {{SvsmFault::kManifestChanged, "manifest_changed", "svsm_manifest_not_committed",
      "one bit of another service's data is flipped after the report was made"},
     [](SvsmParts& p) { p.sent = [](Bytes& m) { m.back() ^= 1; }; }},
    {{SvsmFault::kOtherNonce, "other_nonce", "svsm_manifest_not_committed", "the SVSM was asked with another nonce"},
     [](SvsmParts& p) {
       p.committed = [](const Bytes& nonce, const Bytes& manifest) {
         Bytes all = nonce;
         all[63] ^= 1;
         Append(all, manifest);
         return all;
       };
     }},
    {{SvsmFault::kNonceAlone, "nonce_alone", "svsm_manifest_not_committed", "the report commits to the nonce alone"},
     [](SvsmParts& p) { p.committed = [](const Bytes& nonce, const Bytes&) { return nonce; }; }},
    {{SvsmFault::kManifestAlone, "manifest_alone", "svsm_manifest_not_committed",
      "the report commits to the manifest alone: it could be of any time"},
     [](SvsmParts& p) { p.committed = [](const Bytes&, const Bytes& manifest) { return manifest; }; }},
    {{SvsmFault::kVmpl1, "vmpl_1", "not_of_svsm", "what runs above the SVSM asked for the report"}, [](SvsmParts& p) { p.snp.vmpl = 1; }},
    {{SvsmFault::kAkOfOther, "ak_of_other", "activation_mismatch", "the TPM gave the secret back for another attestation key"},
     [](SvsmParts& p) { p.evidence = [](SvsmEvidence& e) { e.activated->second.back() ^= 1; }; }},
    {{SvsmFault::kActivatedForOther, "activated_for_other", "activation_mismatch", "another TPM than the manifest's gave the secret back"},
     [](SvsmParts& p) { p.evidence = [](SvsmEvidence& e) { e.activated->first.back() ^= 1; }; }},
    {{SvsmFault::kNotActivated, "not_activated", "activation_absent", "no secret came back"},
     [](SvsmParts& p) { p.evidence = [](SvsmEvidence& e) { e.activated.reset(); }; }},
    {{SvsmFault::kManifestMissing, "manifest_missing", "item_missing", "there is no manifest"},
     [](SvsmParts& p) { p.evidence = [](SvsmEvidence& e) { Drop(e, kSvsmManifestType); }; }},
    {{SvsmFault::kReportMissing, "report_missing", "item_missing", "there is no hardware report"},
     [](SvsmParts& p) { p.evidence = [](SvsmEvidence& e) { Drop(e, kReportType); }; }},
    {{SvsmFault::kAkMissing, "ak_missing", "item_missing", "there is no public area of the attestation key"},
     [](SvsmParts& p) { p.evidence = [](SvsmEvidence& e) { Drop(e, kTpmAkType); }; }},
    {{SvsmFault::kHardwareSignature, "hardware_signature", "signature_invalid", "one bit of the report's signature is flipped"},
     [](SvsmParts& p) { p.snp.fault = Fault::kSignatureDamaged; }},
    {{SvsmFault::kExtraDataOther, "extra_data_other", "binding_mismatch", "the quote answers another challenge"},
     [](SvsmParts& p) { p.tpm.fault = TpmFault::kExtraDataOther; }},
    {{SvsmFault::kQuoteOfOtherKey, "quote_of_other_key", "signature_invalid", "another key than the attestation key signed the quote"},
     [](SvsmParts& p) { p.tpm.fault = TpmFault::kQuoteOfOtherKey; }},
    {{SvsmFault::kAkUnrestricted, "ak_unrestricted", "ak_attributes", "the attestation key signs anything"},
     [](SvsmParts& p) { p.tpm.fault = TpmFault::kAkUnrestricted; }},
    {{SvsmFault::kPcrChanged, "pcr_changed", "pcr_digest_mismatch", "one bit of a PCR is flipped"},
     [](SvsmParts& p) { p.tpm.fault = TpmFault::kPcrChanged; }},
}};

const std::array<SvsmFaultEntry, kEntries.size()>& Listed() {
  static const auto listed = [] {
    std::array<SvsmFaultEntry, kEntries.size()> all{};
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = kEntries[i].entry;
    return all;
  }();
  return listed;
}

}  // namespace

Bytes SvsmManifest::Write() const {
  Bytes all, data;
  PutGuid(all, guid);
  std::size_t at = 24 + 24 * services.size();
  for (const Service& service : services) Append(data, service.data);
  Append(data, tail);
  Put32(all, length.value_or(static_cast<std::uint32_t>(at + data.size())));
  Put32(all, count.value_or(static_cast<std::uint32_t>(services.size())));
  for (const Service& service : services) {
    PutGuid(all, service.guid);
    Put32(all, service.offset.value_or(static_cast<std::uint32_t>(at)));
    Put32(all, service.length.value_or(static_cast<std::uint32_t>(service.data.size())));
    at += service.data.size();
  }
  Append(all, data);
  return all;
}

SvsmEvidence MintSvsm(const SvsmOptions& options) {
  const TpmPki& pki = TpmPki::Shared();
  SvsmParts parts{.manifest = {}, .snp = {}, .tpm = {}, .ek = EkOf(pki.rsa_ek)};
  parts.manifest.services = {{std::string(kSvsmVtpmGuid), parts.ek.Tpmt()}, {std::string(kSvsmMmGuid), Bytes{1, 2, 3, 4}}};
  parts.snp.delivery = SnpOptions::Delivery::kSeparateItems;
  parts.tpm.extra_data = options.extra_data;
  parts.tpm.vouching = TpmVouching::kNothing;
  if (options.fault) kEntries[static_cast<std::size_t>(*options.fault)].apply(parts);

  SvsmEvidence evidence;
  evidence.manifest = options.vtpm_alone ? parts.ek.Tpmt() : parts.manifest.Write();
  if (parts.written) parts.written(evidence.manifest);
  Bytes message(options.nonce.begin(), options.nonce.end());
  if (parts.committed) message = parts.committed(message, evidence.manifest);
  else Append(message, evidence.manifest);
  const Bytes digest = TpmHash(kTpmSha512, message);
  std::copy(digest.begin(), digest.end(), parts.snp.report_data.begin());
  if (parts.sent) parts.sent(evidence.manifest);
  auto snp = MintSnp(SnpPki::Shared(), parts.snp);
  ASSAY_CHECK(snp.ok());
  for (Item& item : snp->items) evidence.items.push_back(std::move(item));
  evidence.items.push_back({std::string(kSvsmManifestType), evidence.manifest});
  const TpmEvidence tpm = MintTpm(pki, parts.tpm);
  for (const Item& item : tpm.items) evidence.items.push_back(item);
  evidence.activated = {Sha256(pki.rsa_ek.SubjectPublicKeyInfo()), tpm.ak_name};
  if (parts.evidence) parts.evidence(evidence);
  return evidence;
}

std::span<const SvsmFaultEntry> AllSvsmFaults() { return Listed(); }

}  // namespace assay::softtee
