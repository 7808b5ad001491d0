#include "platform/platform.h"

#include <algorithm>
#include <array>

#include "base/strings.h"

namespace assay::platform {
namespace {

// Every media type that evidence may have, whether or not this build reads it: tells an item of
// another platform from one that nobody knows.
constexpr auto kMediaTypes = std::to_array<std::string_view>({
    "application/json",
    "application/pem-certificate-chain",
    "application/pkix-cert",
    "application/pkix-crl",
    "application/vnd.assay.azure-hcl-report",
    "application/vnd.assay.ccel",
    "application/vnd.assay.dcap-quote",
    "application/vnd.assay.gce-endorsement",
    "application/vnd.assay.host-claims",
    "application/vnd.assay.nitro-document",
    "application/vnd.assay.sev-cert-table",
    "application/vnd.assay.sev-snp-report",
    "application/vnd.assay.svsm-manifest",
    "application/vnd.assay.tcg-event-log",
    "application/vnd.assay.tpm-ak",
    "application/vnd.assay.tpm-pcrs",
    "application/vnd.assay.tpm-quote",
});

constexpr std::size_t kShownMediaType = 128;  // characters of a type that a node made up

constexpr std::array<Feature, 5> kFeatures = {Feature::kCustomImages, Feature::kMemoryEncryption, Feature::kRawGuestAttestation,
                                              Feature::kReviewableFirmware, Feature::kMeasuredBoot};

std::string AllowedTypes(const Platform& platform) {
  std::string text;
  for (const ManifestEntry& entry : platform.manifest) text += Cat(text.empty() ? "" : ", ", entry.media_type);
  return text;
}

std::string ShowCount(const ManifestEntry& entry) {
  if (entry.least == entry.most) return Cat("exactly ", entry.most);
  return entry.least == 0 ? Cat("at most ", entry.most) : Cat(entry.least, " to ", entry.most);
}

}  // namespace

std::string_view NameOf(Strength strength) {
  switch (strength) {
    case Strength::kA: return "A";
    case Strength::kB: return "B";
    case Strength::kC: return "C";
    case Strength::kD: return "D";
    case Strength::kE: return "E";
  }
  return "unknown";
}

std::string_view NameOf(Feature feature) {
  switch (feature) {
    case Feature::kCustomImages: return "custom_images";
    case Feature::kMemoryEncryption: return "memory_encryption";
    case Feature::kRawGuestAttestation: return "raw_guest_attestation";
    case Feature::kReviewableFirmware: return "reviewable_firmware";
    case Feature::kMeasuredBoot: return "measured_boot";
  }
  return "unknown";
}

std::optional<Feature> FeatureNamed(std::string_view name) {
  const auto found = std::find_if(kFeatures.begin(), kFeatures.end(), [name](Feature feature) { return NameOf(feature) == name; });
  return found == kFeatures.end() ? std::nullopt : std::optional(*found);
}

std::span<const Feature> AllFeatures() { return kFeatures; }

bool CheckManifest(const Platform& platform, std::span<const evidence::Item> items, CheckLog& log) {
  bool holds = true;
  const auto require = [&](bool condition, auto&& describe) { holds &= log.Require(Check::kManifest, condition, describe); };

  for (const evidence::Item& item : items) {
    const std::string_view type = item.media_type;
    const bool expected = std::any_of(platform.manifest.begin(), platform.manifest.end(),
                                      [type](const ManifestEntry& entry) { return entry.media_type == type; });
    require(expected, [&] {
      const bool known = std::binary_search(kMediaTypes.begin(), kMediaTypes.end(), type);
      return Finding{.reason = known ? Reason::kItemUnexpected : Reason::kMediaTypeUnknown,
                     .component = std::string(platform.name),
                     .claim = "media_type",
                     .expected = AllowedTypes(platform),
                     .actual = Printable(type, kShownMediaType)};
    });
    require(item.body.size() != 0, [&] {
      return Finding{
          .reason = Reason::kItemEmpty, .component = Printable(type, kShownMediaType), .expected = "at least 1 byte", .actual = "0 bytes"};
    });
  }
  for (const ManifestEntry& entry : platform.manifest) {
    const auto count = static_cast<std::size_t>(
        std::count_if(items.begin(), items.end(), [&entry](const evidence::Item& item) { return item.media_type == entry.media_type; }));
    require(count >= entry.least && count <= entry.most, [&] {
      return Finding{.reason = count < entry.least ? Reason::kItemMissing : Reason::kItemDuplicate,
                     .component = std::string(entry.media_type),
                     .expected = ShowCount(entry),
                     .actual = std::to_string(count)};
    });
  }
  return holds;
}

}  // namespace assay::platform
