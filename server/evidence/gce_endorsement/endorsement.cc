#include "evidence/gce_endorsement/endorsement.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/hex.h"
#include "base/strings.h"
#include "codec/protobuf.h"
#include "trust/describe_certificate.h"

namespace assay::gce_endorsement {
namespace {

using protobuf::Field;
using protobuf::WireType;

constexpr std::string_view kSpec = "gce-tcb-verifier, endorsement.proto";
constexpr std::size_t kMaxCertificates = 8;
// From then on an endorsement must say what its firmware was built from: 2024-08-02.
constexpr Time kSourceNamedSince = std::chrono::sys_days(std::chrono::year(2024) / 8 / 2);
constexpr std::size_t kMaxCommit = 64;
constexpr std::size_t kIdSize = 16;

Finding Malformed(std::string claim, std::string expected, std::string actual) {
  return {.reason = Reason::kEndorsementMalformed,
          .component = std::string(kEndorsementComponent),
          .claim = std::move(claim),
          .expected = std::move(expected),
          .actual = std::move(actual),
          .spec = std::string(kSpec)};
}

std::string_view NameOf(WireType type) {
  switch (type) {
    case WireType::kVarint: return "a varint";
    case WireType::kFixed64: return "a fixed64";
    case WireType::kLength: return "bytes";
    case WireType::kFixed32: return "a fixed32";
  }
  return "unknown";
}

// A message by field number, and the first thing that is wrong with it.
class Message {
 public:
  Message(ByteView bytes, std::string name) : name_(std::move(name)) {
    auto fields = protobuf::Parse(bytes, Cat(kEndorsementComponent, "/", name_));
    if (fields) fields_ = std::move(fields).value();
    else defect_ = Malformed(name_, "a protobuf message", Cat(fields.findings().front().component, ": ", fields.findings().front().actual));
  }

  std::vector<Field> All(std::uint32_t number, WireType type) {
    std::vector<Field> found;
    for (const Field& field : fields_) {
      if (field.number != number) continue;
      if (field.type != type) Complain(number, std::string(NameOf(type)), std::string(NameOf(field.type)));
      else found.push_back(field);
    }
    return found;
  }
  // The default of proto3 where there is none.
  std::uint64_t Number(std::uint32_t number, std::uint64_t most = ~std::uint64_t{0}) {
    const auto found = Once(number, WireType::kVarint);
    if (found && found->value > most) Complain(number, Cat("at most ", most), std::to_string(found->value));
    return found ? found->value : 0;
  }
  ByteView Octets(std::uint32_t number) {
    const auto found = Once(number, WireType::kLength);
    return found ? found->bytes : ByteView();
  }
  bool Has(std::uint32_t number) const {
    return std::any_of(fields_.begin(), fields_.end(), [number](const Field& field) { return field.number == number; });
  }
  crypto::Sha384Digest Digest(std::uint32_t number) {
    const ByteView octets = Octets(number);
    crypto::Sha384Digest digest{};
    if (octets.size() != digest.size()) Complain(number, Cat(digest.size(), " bytes"), Cat(octets.size(), " bytes"));
    else std::copy(octets.begin(), octets.end(), digest.begin());
    return digest;
  }
  // Nothing that this reader does not know.
  void AllowOnly(std::uint32_t last) {
    for (const Field& field : fields_) {
      if (field.number > last) Complain(field.number, Cat("fields 1 to ", last), "another");
    }
  }
  void Complain(std::uint32_t number, std::string expected, std::string actual) {
    if (!defect_) defect_ = Malformed(Cat(name_, " field ", number), std::move(expected), std::move(actual));
  }
  void Take(const Message& inner) {
    if (!defect_) defect_ = inner.defect_;
  }
  const std::optional<Finding>& defect() const { return defect_; }

 private:
  std::optional<Field> Once(std::uint32_t number, WireType type) {
    const std::vector<Field> found = All(number, type);
    if (found.size() > 1) Complain(number, "once", Cat(found.size(), " times"));
    return found.empty() ? std::nullopt : std::optional(found.front());
  }

  std::string name_;
  std::vector<Field> fields_;
  std::optional<Finding> defect_;
};

constexpr std::uint64_t kMost32 = 0xFFFFFFFF;
constexpr std::uint64_t kLatest = 253402300799;  // 9999-12-31T23:59:59Z, of google.protobuf.Timestamp

void ReadSevSnp(Message& golden, Golden& into) {
  Message message(golden.Octets(7), "sev_snp");
  into.sev_snp = true;
  into.snp_svn = static_cast<std::uint32_t>(message.Number(1, kMost32));
  for (const Field& entry : message.All(2, WireType::kLength)) {
    Message one(entry.bytes, "sev_snp.measurements");
    SnpMeasurement measurement{.vmsas = static_cast<std::uint32_t>(one.Number(1, kMost32)), .measurement = one.Digest(2)};
    one.AllowOnly(2);
    if (std::any_of(into.snp.begin(), into.snp.end(), [&](const SnpMeasurement& known) { return known.vmsas == measurement.vmsas; })) {
      one.Complain(1, "another number of VMSAs in each entry", Cat(*measurement.vmsas, " twice"));
    }
    message.Take(one);
    into.snp.push_back(measurement);
  }
  for (const std::uint32_t id : {3U, 4U}) {
    if (const ByteView octets = message.Octets(id); !octets.empty() && octets.size() != kIdSize) {
      message.Complain(id, Cat(kIdSize, " bytes"), Cat(octets.size(), " bytes"));
    }
  }
  message.Number(5);
  message.Octets(6);
  if (message.Has(7)) into.snp.push_back({.vmsas = {}, .measurement = message.Digest(7)});
  golden.Take(message);
}

void ReadTdx(Message& golden, Golden& into) {
  Message message(golden.Octets(8), "tdx");
  into.tdx = true;
  into.tdx_svn = static_cast<std::uint32_t>(message.Number(1, kMost32));
  for (const Field& entry : message.All(2, WireType::kLength)) {
    Message one(entry.bytes, "tdx.measurements");
    into.td.push_back(
        {.ram_gib = static_cast<std::uint32_t>(one.Number(1, kMost32)), .early_accept = one.Number(2, 1) == 1, .mrtd = one.Digest(3)});
    message.Take(one);
  }
  golden.Take(message);
}

// Later fields of the signed message are Google's to add; in the envelope, which nobody signs, there is nothing to add.
std::optional<Finding> ReadGolden(ByteView serialized, Golden& into, Bytes& certificate, Bytes& bundle) {
  Message message(serialized, "serialized_uefi_golden");
  Message timestamp(message.Octets(1), "timestamp");
  const std::uint64_t seconds = timestamp.Number(1, kLatest);
  timestamp.Number(2, 999999999);
  if (seconds == 0) timestamp.Complain(1, "seconds since 1970", "none");
  message.Take(timestamp);
  into.timestamp = Time(std::chrono::seconds(seconds));
  into.cl_spec = message.Number(2);
  into.commit = ToBytes(message.Octets(3));
  if (into.commit.size() > kMaxCommit) message.Complain(3, Cat("at most ", kMaxCommit, " bytes"), Cat(into.commit.size(), " bytes"));
  certificate = ToBytes(message.Octets(4));
  into.digest = message.Digest(5);
  bundle = ToBytes(message.Octets(6));
  if (message.Has(7)) ReadSevSnp(message, into);
  if (message.Has(8)) ReadTdx(message, into);
  return message.defect();
}

crypto::Sha256Digest NameOfFact(const trust::UntrustedBytes& bytes) {
  Bytes depends_on = ToBytes(AsBytes(kEndorsementComponent));
  Append(depends_on, bytes.Sha256());
  return crypto::Sha256(depends_on);
}

}  // namespace

trust::RsaSigned LaunchEndorsement::Signed() const {
  return {
      .padding = trust::RsaSigned::Padding::kPss, .hash = crypto::HashAlgorithm::kSha256, .message = serialized_, .signature = signature_};
}

std::optional<trust::Parsed<LaunchEndorsement>> LaunchEndorsementParser::Parse(const trust::UntrustedBytes& bytes, CheckLog& log,
                                                                               trust::FactCaches* caches) {
  const crypto::Sha256Digest name = NameOfFact(bytes);
  if (caches != nullptr) {
    if (const auto known = std::dynamic_pointer_cast<const EndorsementFact>(caches->documents.Find(name))) {
      for (const Check check : {Check::kGceEndorsementForm, Check::kGceEndorsementSource}) log.Pass(check);
      LaunchEndorsement endorsement = known->endorsement;
      endorsement.known_ = true;
      return trust::Parsed<LaunchEndorsement>(trust::ParserPass<LaunchEndorsement>(), std::move(endorsement));
    }
  }
  Message envelope(bytes.Read().TakeRest(), "VMLaunchEndorsement");
  const ByteView serialized = envelope.Octets(1), signature = envelope.Octets(2);
  envelope.AllowOnly(2);
  if (serialized.empty()) envelope.Complain(1, "a serialized VMGoldenMeasurement", "none");
  if (signature.empty()) envelope.Complain(2, "a signature", "none");
  std::optional<Finding> defect = envelope.defect();
  Golden golden;
  Bytes certificate_bytes, bundle_bytes;
  if (!defect) defect = ReadGolden(serialized, golden, certificate_bytes, bundle_bytes);
  auto certificate = crypto::Certificate::FromDer(certificate_bytes, Cat(kEndorsementComponent, "/cert"));
  if (!defect && !certificate) {
    defect = Malformed("serialized_uefi_golden field 4", "one certificate in DER", certificate.findings().front().actual);
  }
  std::vector<crypto::Certificate> bundle;
  if (!defect && !bundle_bytes.empty()) {
    auto read = crypto::CertificatesFrom(bundle_bytes, Cat(kEndorsementComponent, "/ca_bundle"));
    if (!read || read->size() > kMaxCertificates) {
      defect = Malformed("serialized_uefi_golden field 6", Cat("at most ", kMaxCertificates, " certificates in PEM"),
                         read ? Cat(read->size()) : read.findings().front().actual);
    } else {
      bundle = std::move(read).value();
    }
  }
  if (!log.Require(Check::kGceEndorsementForm, !defect, [&] { return *defect; })) return std::nullopt;
  LaunchEndorsement endorsement(std::move(certificate).value());
  endorsement.serialized_ = ToBytes(serialized);
  endorsement.signature_ = ToBytes(signature);
  endorsement.golden_ = std::move(golden);
  endorsement.bundle_ = std::move(bundle);
  endorsement.name_ = name;
  const bool sourced =
      endorsement.golden_.timestamp < kSourceNamedSince || endorsement.golden_.cl_spec != 0 || !endorsement.golden_.commit.empty();
  if (!log.Require(Check::kGceEndorsementSource, sourced, [&] {
        return Malformed("cl_spec, commit", Cat("one of them, since the endorsement is of ", FormatTime(endorsement.golden_.timestamp)),
                         "neither");
      })) {
    return std::nullopt;
  }
  return trust::Parsed<LaunchEndorsement>(trust::ParserPass<LaunchEndorsement>(), std::move(endorsement));
}

trust::LookupHints LaunchEndorsement::Hints() const {
  std::vector<trust::CollateralKey> keys;
  for (const SnpMeasurement& one : golden_.snp) {
    keys.push_back({std::string(kEndorsementKind), std::string(kSevSnpScope), ToHex(one.measurement)});
  }
  for (const TdxMeasurement& one : golden_.td) keys.push_back({std::string(kEndorsementKind), std::string(kTdxScope), ToHex(one.mrtd)});
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return trust::LookupHints(std::move(keys));
}

trust::Description LaunchEndorsement::Describe() const {
  trust::Description description("Google launch endorsement", FormatTime(golden_.timestamp));
  description.Add("firmware SHA-384", ToHex(golden_.digest));
  if (golden_.cl_spec != 0) description.Add("cl_spec", std::to_string(golden_.cl_spec));
  if (!golden_.commit.empty()) description.Add("commit", ToHex(golden_.commit));
  if (golden_.sev_snp) {
    trust::Description& snp = description.Add("SEV-SNP", Cat("SVN ", golden_.snp_svn));
    for (const SnpMeasurement& one : golden_.snp) {
      snp.Add(one.vmsas ? Cat("measurement with ", *one.vmsas, " vCPUs") : std::string("measurement with an SVSM"), ToHex(one.measurement));
    }
  }
  if (golden_.tdx) {
    trust::Description& td = description.Add("TDX", Cat("SVN ", golden_.tdx_svn));
    for (const TdxMeasurement& one : golden_.td) {
      td.Add(Cat("MRTD with ", one.ram_gib, " GiB", one.early_accept ? ", early accept" : ""), ToHex(one.mrtd));
    }
  }
  description.Add(trust::DescribeCertificate(certificate_));
  return description;
}

bool LooksLikeEndorsement(ByteView bytes) {
  const auto fields = protobuf::Parse(bytes);
  if (!fields || fields->size() != 2) return false;
  const auto is = [&](std::size_t index) {
    return (*fields)[index].type == WireType::kLength && (*fields)[index].number == index + 1 && (*fields)[index].bytes.size() >= 256;
  };
  return is(0) && is(1);
}

}  // namespace assay::gce_endorsement
