#include "evidence/azure_hcl/runtime_claims.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "evidence/azure_hcl/claims.h"
#include "evidence/azure_hcl/report.h"

namespace assay::azure_hcl {
namespace {

constexpr std::string_view kSpec = "openvmm, igvm_attest::get::runtime_claims";
constexpr json::Limits kLimits = {.bytes = kMaxReportSize, .depth = 8, .values = 1024};
constexpr std::size_t kMostKeys = 16;
constexpr std::size_t kLongestText = 256;
constexpr std::size_t kUserDataSize = 64;

Finding Defect(std::string claim, std::string expected, std::string actual, Reason reason = Reason::kRuntimeClaimsMalformed) {
  return {.reason = reason,
          .component = std::string(kClaimsComponent),
          .claim = std::move(claim),
          .expected = std::move(expected),
          .actual = std::move(actual),
          .spec = std::string(kSpec)};
}

std::string Shown(const json::Value* value) {
  if (value == nullptr) return "absent";
  const std::string* text = value->AsString();
  return text == nullptr ? std::string(value->KindName()) : Cat("'", Printable(*text, 64), "'");
}

// Reads members and collects what is wrong with them.
class Members {
 public:
  Members(const json::Value& object, std::string path, std::vector<Finding>& findings)
      : object_(object), path_(std::move(path)), findings_(findings) {}

  std::optional<bool> Flag(std::string_view name) {
    const json::Value* value = object_.Find(name);
    if (value == nullptr) return std::nullopt;
    const std::optional<bool> flag = value->AsBool();
    if (!flag) Complain(name, "true or false", value);
    return flag;
  }
  std::optional<std::string> Text(std::string_view name) {
    const json::Value* value = object_.Find(name);
    if (value == nullptr) return std::nullopt;
    const std::string* text = value->AsString();
    if (text == nullptr || text->empty() || text->size() > kLongestText || Printable(*text, kLongestText) != *text) {
      Complain(name, Cat("printable text of 1 to ", kLongestText, " bytes"), value);
      return std::nullopt;
    }
    return *text;
  }
  // Octets that `decode` makes of a text.
  template <typename Decode>
  std::optional<Bytes> Octets(std::string_view name, std::string_view form, std::size_t size, Decode decode) {
    const json::Value* value = object_.Find(name);
    if (value == nullptr) return std::nullopt;
    const std::string* text = value->AsString();
    std::optional<Bytes> octets = text == nullptr ? std::nullopt : decode(std::string_view(*text));
    if (!octets || octets->size() != size) {
      Complain(name, Cat(size, " bytes in ", form), value);
      return std::nullopt;
    }
    return octets;
  }
  void Complain(std::string_view name, std::string expected, const json::Value* value) {
    findings_.push_back(Defect(Cat(path_, name), std::move(expected), Shown(value)));
  }

 private:
  const json::Value& object_;
  std::string path_;
  std::vector<Finding>& findings_;
};

// "911B0EF8-9DBA-48B0-B275-4E4DF2D39252"
bool IsGuid(std::string_view text) {
  static constexpr std::string_view kForm = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  return text.size() == kForm.size() && std::equal(text.begin(), text.end(), kForm.begin(), [](char c, char form) {
           return form == '-' ? c == '-' : (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
         });
}

// The one key of that kid among `keys`, whose other members may be of any form. By kid and never by place: claims of other requests
// have other keys in front.
Outcome<crypto::PublicKey> AttestationKeyIn(const json::Value* keys) {
  const auto missing = [](std::string actual) {
    return Defect("keys", Cat("exactly one key of kid ", kAkKid), std::move(actual), Reason::kHclKeyMissing);
  };
  if (keys == nullptr || keys->AsArray() == nullptr) return Defect("keys", "an array of keys", Shown(keys));
  if (keys->AsArray()->size() > kMostKeys) {
    return Defect("keys", Cat("at most ", kMostKeys, " keys"), std::to_string(keys->AsArray()->size()));
  }
  std::vector<std::string_view> kids;
  const json::Value* found = nullptr;
  for (const json::Value& key : *keys->AsArray()) {
    const json::Value* kid = key.Find("kid");
    if (kid == nullptr || kid->AsString() == nullptr) return Defect("keys[].kid", "text", Shown(kid));
    kids.push_back(*kid->AsString());
    if (*kid->AsString() == kAkKid) found = &key;
  }
  const auto count = std::count(kids.begin(), kids.end(), kAkKid);
  if (count != 1) return missing(Cat(count, " of ", kids.size(), " keys"));

  const json::Value* type = found->Find("kty");
  if (type == nullptr || type->AsString() == nullptr || *type->AsString() != "RSA") return Defect("HCLAkPub.kty", "RSA", Shown(type));
  const auto number = [&](std::string_view name) {
    const json::Value* value = found->Find(name);
    return value == nullptr || value->AsString() == nullptr ? std::nullopt : codec::FromBase64Url(*value->AsString());
  };
  const std::optional<Bytes> modulus = number("n"), exponent = number("e");
  if (!modulus) return Defect("HCLAkPub.n", "base64url, without padding", Shown(found->Find("n")));
  if (!exponent) return Defect("HCLAkPub.e", "base64url, without padding", Shown(found->Find("e")));
  Outcome<crypto::PublicKey> key = crypto::PublicKey::FromRsa(*modulus, *exponent);
  if (key) return key;
  std::vector<Finding> findings = std::move(key).findings();
  for (Finding& finding : findings) finding.component = Cat(kClaimsComponent, "/", kAkKid);
  return findings;
}

}  // namespace

std::string_view NameOf(ReportType type) { return type == ReportType::kSnp ? "SEV-SNP" : "TDX"; }

ByteArray<64> CommitmentTo(ByteView claims) {
  ByteArray<64> commitment{};
  const crypto::Sha256Digest digest = crypto::Sha256(claims);
  std::copy(digest.begin(), digest.end(), commitment.begin());
  return commitment;
}

std::optional<trust::Parsed<RuntimeClaims>> ReportParser::ParseClaims(ByteView text, ReportType type, CheckLog& log) {
  const Outcome<json::Value> root = json::Parse(AsText(text), kClaimsComponent, kLimits);
  const bool strict = log.Require(Check::kHclClaimsForm, root);
  if (!strict) return std::nullopt;

  RuntimeClaims claims;
  claims.json_ = ToBytes(text);
  claims.report_type_ = type;
  std::vector<Finding> findings;
  Members top(*root, "", findings);
  const json::Value* configuration = root->Find("vm-configuration");
  if (configuration == nullptr || configuration->AsObject() == nullptr) {
    top.Complain("vm-configuration", "an object", configuration);
  } else {
    Members members(*configuration, "vm-configuration.", findings);
    const std::optional<bool> secure_boot = members.Flag("secure-boot");
    if (configuration->Find("secure-boot") == nullptr) members.Complain("secure-boot", "true or false", nullptr);
    claims.secure_boot_ = secure_boot.value_or(false);
    claims.console_enabled_ = members.Flag("console-enabled");
    claims.interactive_console_enabled_ = members.Flag("interactive-console-enabled");
    claims.tpm_enabled_ = members.Flag("tpm-enabled");
    claims.tpm_persisted_ = members.Flag("tpm-persisted");
    claims.filtered_vpci_devices_allowed_ = members.Flag("filtered-vpci-devices-allowed");
    claims.hardware_sealing_policy_ = members.Text("hardware-sealing-policy");
    claims.vmgs_provisioner_ = members.Text("vmgs-provisioner");
    claims.vm_unique_id_ = members.Text("vmUniqueId");
    if (claims.vm_unique_id_ && !IsGuid(*claims.vm_unique_id_)) members.Complain("vmUniqueId", "a GUID", configuration->Find("vmUniqueId"));
    claims.root_cert_thumbprint_ =
        members.Octets("root-cert-thumbprint", "base64url", crypto::Sha256Digest().size(), &codec::FromBase64Url);
  }
  claims.user_data_ = top.Octets("user-data", "hexadecimal", kUserDataSize, &FromHex);
  const bool sound = log.Require(Check::kHclClaimsForm, findings.empty() ? Outcome<bool>(true) : Outcome<bool>(findings));
  Outcome<crypto::PublicKey> ak = AttestationKeyIn(root->Find("keys"));
  if (!log.Require(Check::kHclAttestationKey, ak) || !sound) return std::nullopt;
  claims.ak_ = std::move(ak).value();
  return trust::Parsed<RuntimeClaims>(trust::ParserPass<RuntimeClaims>(), std::move(claims));
}

trust::Description RuntimeClaims::Describe() const {
  trust::Description description("runtime claims", Cat(json_.size(), " bytes, SHA-256 ", ToHex(crypto::Sha256(json_))));
  const auto flag = [&](std::string name, const std::optional<bool>& value) {
    if (value) description.Add(std::move(name), *value ? "yes" : "no");
  };
  const auto text = [&](std::string name, const std::optional<std::string>& value) {
    if (value) description.Add(std::move(name), *value);
  };
  description.Add("attestation key", Cat("RSA, ", ak_->bits(), " bits, SHA-256 ", ToHex(ak_->spki_sha256())));
  flag("secure boot", secure_boot_);
  flag("console enabled", console_enabled_);
  flag("interactive console enabled", interactive_console_enabled_);
  flag("TPM enabled", tpm_enabled_);
  flag("TPM persisted", tpm_persisted_);
  flag("filtered VPCI devices allowed", filtered_vpci_devices_allowed_);
  text("hardware sealing policy", hardware_sealing_policy_);
  text("VMGS provisioner", vmgs_provisioner_);
  text("VM unique id", vm_unique_id_);
  if (root_cert_thumbprint_) description.Add("root certificate thumbprint", ToHex(*root_cert_thumbprint_));
  if (user_data_) description.Add("user data", ToHex(*user_data_));
  return description;
}

void RuntimeClaims::WriteClaims(trust::ClaimWriter& claims) const {
  const auto flag = [&](std::string_view name, const std::optional<bool>& value) {
    if (value) claims.Add(name, *value);
  };
  const auto text = [&](std::string_view name, const std::optional<std::string>& value) {
    if (value) claims.Add(name, *value);
  };
  claims.Add("hcl.report_type", static_cast<std::uint64_t>(report_type_));
  claims.Add("hcl.runtime_claims_sha256", ToBytes(crypto::Sha256(json_)));
  claims.Add(kSecureBootClaim, secure_boot_);
  flag("hcl.console_enabled", console_enabled_);
  flag("hcl.interactive_console_enabled", interactive_console_enabled_);
  flag("hcl.tpm_enabled", tpm_enabled_);
  flag("hcl.tpm_persisted", tpm_persisted_);
  flag("hcl.filtered_vpci_devices_allowed", filtered_vpci_devices_allowed_);
  text("hcl.hardware_sealing_policy", hardware_sealing_policy_);
  text("hcl.vmgs_provisioner", vmgs_provisioner_);
  text("hcl.vm_unique_id", vm_unique_id_);
  if (root_cert_thumbprint_) claims.Add("hcl.root_cert_thumbprint", *root_cert_thumbprint_);
  if (user_data_) claims.Add("hcl.user_data", *user_data_);
}

}  // namespace assay::azure_hcl
