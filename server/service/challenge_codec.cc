#include "service/challenge_codec.h"

#include <algorithm>
#include <utility>

#include "base/bug.h"
#include "base/hex.h"
#include "base/reader.h"
#include "base/strings.h"
#include "crypto/challenge_form.h"

namespace assay::service {
namespace {

constexpr std::uint8_t kVersion = crypto::kChallengeVersion;
static_assert(kChallengeSize == crypto::kChallengeSize, "nodes refuse any other");
constexpr std::string_view kKeyIdLabel = "assay-challenge-key-id";
constexpr std::string_view kActivationLabel = "assay-activation-secret-v1";

Finding Refusal(Reason reason, std::string claim, std::string expected, std::string actual) {
  return {
      .reason = reason, .component = "challenge", .claim = std::move(claim), .expected = std::move(expected), .actual = std::move(actual)};
}

std::uint64_t Seconds(Time time) { return static_cast<std::uint64_t>(time.time_since_epoch().count()); }

template <std::size_t N>
ByteArray<N> Copy(ByteView bytes) {
  ByteArray<N> copy{};
  std::copy_n(bytes.begin(), N, copy.begin());
  return copy;
}

}  // namespace

ChallengeCodec::ChallengeCodec(Bytes key) : key_(std::move(key)) {
  ASSAY_CHECK(key_.size() >= kLeastKeySize);
  key_id_ = Copy<8>(crypto::HmacSha256(key_, AsBytes(kKeyIdLabel)));
}

Bytes ChallengeCodec::Seal(const ChallengeFields& fields) const {
  Bytes challenge{kVersion};
  challenge.reserve(kChallengeSize);
  Append(challenge, key_id_);
  Append(challenge, fields.nonce);
  AppendU64Be(challenge, Seconds(fields.issued));
  AppendU64Be(challenge, Seconds(fields.expires));
  Append(challenge, fields.context);
  Append(challenge, fields.policy_set);
  Append(challenge, crypto::HmacSha256(key_, challenge));
  ASSAY_CHECK(challenge.size() == kChallengeSize);
  return challenge;
}

Bytes ChallengeCodec::ActivationSecret(ByteView nonce, ByteView attestation_key_name, ByteView endorsement_key_name) const {
  // Begins as no challenge does: what is sealed and what is authenticated are never the same bytes.
  Bytes about = ToBytes(AsBytes(kActivationLabel));
  for (const ByteView part : {nonce, attestation_key_name, endorsement_key_name}) {
    AppendU32Be(about, static_cast<std::uint32_t>(part.size()));
    Append(about, part);
  }
  return ToBytes(crypto::HmacSha256(key_, about));
}

std::optional<ChallengeFields> ChallengeCodec::Open(ByteView challenge, Time now, const crypto::Sha256Digest& context,
                                                    const crypto::Sha256Digest& policy_set, CheckLog& log) const {
  if (challenge.size() != kChallengeSize || challenge[0] != kVersion) {
    log.Fail(Check::kChallengeMac,
             Refusal(Reason::kChallengeMalformed, "challenge", Cat(kChallengeSize, " bytes of version ", int{kVersion}),
                     Cat(challenge.size(), " bytes", challenge.empty() ? "" : Cat(" of version ", int{challenge[0]}))));
    return std::nullopt;
  }
  const ByteView sealed = challenge.first(kChallengeSize - 32);
  if (!log.Require(Check::kChallengeMac, EqualConstantTime(crypto::HmacSha256(key_, sealed), challenge.last(32)), [&] {
        const bool foreign = !Equal(challenge.subspan(1, 8), key_id_);
        return Refusal(Reason::kChallengeForged, "MAC", foreign ? Cat("a challenge under key ", ToHex(key_id_)) : "a MAC of this service",
                       foreign ? Cat("one under key ", ToHex(challenge.subspan(1, 8))) : "another");
      })) {
    return std::nullopt;
  }
  Reader reader(sealed.subspan(1 + 8));
  ChallengeFields fields{};
  fields.nonce = Copy<kNonceSize>(*reader.Take(kNonceSize));
  fields.issued = Time(Duration(static_cast<std::int64_t>(*reader.U64Be())));
  fields.expires = Time(Duration(static_cast<std::int64_t>(*reader.U64Be())));
  fields.context = Copy<32>(*reader.Take(32));
  fields.policy_set = Copy<32>(*reader.Take(32));

  if (!log.Require(Check::kChallengeWindow, fields.issued <= now && now <= fields.expires, [&] {
        return Refusal(Reason::kChallengeExpired, "lifetime", Cat(FormatTime(fields.issued), " to ", FormatTime(fields.expires)),
                       FormatTime(now));
      })) {
    return std::nullopt;
  }
  // Another context may well have another policy set: that it is another context is what the node has to hear then.
  const bool same_context = fields.context == context;
  if (!log.Require(Check::kChallengeContext, same_context && fields.policy_set == policy_set, [&] {
        return Refusal(Reason::kContextMismatch, same_context ? "policy set" : "context, keys",
                       same_context ? "the policies that the challenge was made under" : "those that the challenge was made for",
                       same_context ? "policies that have changed since" : "others");
      })) {
    return std::nullopt;
  }
  return fields;
}

}  // namespace assay::service
