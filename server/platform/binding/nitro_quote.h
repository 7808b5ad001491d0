// Binding: a quote that comes along with a NitroTPM's document hangs on it by its key: the document's public_key is the attestation key,
// both carry one nonce, and the registers quoted are the document's. The document alone says what the registers are; the quote shows that
// the key is at hand in the same instance.
#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "base/check_log.h"
#include "base/hex.h"
#include "base/strings.h"
#include "crypto/public_key.h"
#include "evidence/format.h"
#include "evidence/nitro/document.h"
#include "evidence/tpm/algorithms.h"
#include "evidence/tpm/attest.h"
#include "evidence/tpm/format.h"
#include "evidence/tpm/pcr_values.h"
#include "evidence/tpm/public_area.h"
#include "evidence/tpm/vouch.h"
#include "platform/platform.h"
#include "trust/authenticated.h"
#include "trust/bundle.h"

namespace assay::platform {

// The attestation key, as the guest put it into public_key.
struct NamedKey {
  crypto::PublicKey key;
  Bytes encoded;     // the form of `key` that public_key should be
  bool covers_area;  // that form has the key's attributes in it
};

// SEC1, uncompressed: what a SubjectPublicKeyInfo of a named curve ends with. Empty: no EC key.
inline ByteView PointIn(const crypto::PublicKey& key) {
  if (key.kind() == crypto::KeyKind::kRsa) return {};
  const std::size_t size = key.kind() == crypto::KeyKind::kEcP256 ? 65 : 97;
  return key.spki().last(size);
}

// A point, a SubjectPublicKeyInfo, or with the public area at hand TPMT_PUBLIC or TPM2B_PUBLIC. nullopt: public_key is no key.
inline std::optional<NamedKey> KeyNamed(ByteView public_key, const std::optional<tpm::PublicArea>& area) {
  if (area) {
    if (Equal(public_key, area->Tpm2b()) || Equal(public_key, area->tpmt())) return NamedKey{area->key(), ToBytes(public_key), true};
    const ByteView point = PointIn(area->key());
    return NamedKey{area->key(), ToBytes(!public_key.empty() && public_key.front() == 4 ? point : area->key().spki()), false};
  }
  const std::size_t coordinate = public_key.size() / 2;
  const bool is_point = (public_key.size() == 65 || public_key.size() == 97) && public_key.front() == 4;
  const auto key = is_point ? crypto::PublicKey::FromEcPoint(coordinate == 32 ? crypto::KeyKind::kEcP256 : crypto::KeyKind::kEcP384,
                                                             public_key.subspan(1, coordinate), public_key.subspan(1 + coordinate))
                            : crypto::PublicKey::FromSpki(public_key);
  if (!key) return std::nullopt;
  return NamedKey{*key, ToBytes(is_point ? PointIn(*key) : key->spki()), false};
}

// Hangs the quote among the items, if there is one, on the bundle of that document. False, and logged: it is malformed, or not of this
// document.
inline bool AttachNitroQuote(std::span<const evidence::Item> items, const trust::Authenticated<nitro::Document>& document,
                             const evidence::AuthenticationContext& context, trust::Bundle& bundle, CheckLog& log) {
  const bool any = std::any_of(items.begin(), items.end(), [](const evidence::Item& item) {
    return item.media_type == tpm::kQuoteMediaType || item.media_type == tpm::kPcrsMediaType || item.media_type == tpm::kAkMediaType;
  });
  if (!any) return true;
  std::optional<tpm::TpmItems> parsed = tpm::ParseItems(items, context.caches, log);
  if (!parsed) return false;
  if (!parsed->pcrs) {
    log.Fail(Check::kManifest, {.reason = Reason::kItemMissing,
                                .component = std::string(tpm::kPcrsComponent),
                                .expected = std::string(tpm::kPcrsMediaType),
                                .actual = "none"});
    return false;
  }
  const auto refusal = [](Reason reason, std::string_view component, std::string claim, std::string expected, std::string actual) {
    return Finding{.reason = reason,
                   .component = std::string(component),
                   .claim = std::move(claim),
                   .expected = std::move(expected),
                   .actual = std::move(actual)};
  };

  const Bytes public_key = document->public_key().value_or(Bytes{});
  const std::optional<NamedKey> named = KeyNamed(public_key, parsed->ak);
  if (!named) {
    log.Fail(Check::kNitroQuoteKey, refusal(Reason::kNitroAkMismatch, nitro::kDocumentComponent, "public_key",
                                            "the attestation key: a point, a SubjectPublicKeyInfo or the public area",
                                            public_key.empty() ? "none" : ToHexBounded(public_key)));
    return false;
  }
  auto key = trust::VerifiedKey::FromCommitment(
      named->key, document, public_key, named->encoded, tpm::kAkComponent, Check::kNitroQuoteKey,
      refusal(Reason::kNitroAkMismatch, nitro::kDocumentComponent, "public_key",
              Cat(ToHexBounded(named->encoded), ", the attestation key sent"), public_key.empty() ? "none" : ToHexBounded(public_key)),
      log);
  if (!key) return false;
  auto ak = tpm::VouchByCommitment(*std::move(key), std::move(parsed->ak), named->covers_area, log);
  if (!ak) return false;
  const auto quote = tpm::AttestAuthenticator::Authenticate(std::move(parsed->quote), *std::move(ak), nullptr, context.challenge, log);
  if (!quote) return false;
  bool sound = log.Require(Check::kNitroQuoteNonce, Equal((*quote)->extra_data(), document->CarriedValue()), [&] {
    return refusal(Reason::kNitroNonceMismatch, tpm::kQuoteComponent, "extraData",
                   Cat(ToHexBounded(document->CarriedValue()), ", as in the document"), ToHexBounded((*quote)->extra_data()));
  });
  // Of all policies that could appraise the quote none can name its hash here: the document's claims are the ones to appraise.
  sound &= log.Require(Check::kTpmWeakHash, (*quote)->signature_hash() != crypto::HashAlgorithm::kSha1, [&] {
    return refusal(Reason::kWeakHash, tpm::kQuoteComponent, "signature", "SHA-256, SHA-384 or SHA-512", "SHA-1");
  });
  const auto pcrs = tpm::PcrValuesAuthenticator::Authenticate(*std::move(parsed->pcrs), *quote, log);
  if (!pcrs || !sound) return false;
  // All of them: the key is one that the guest chose, and a register that nothing is compared with would be its word alone.
  sound &= log.Require(Check::kNitroQuotePcrs, !(*pcrs)->values().empty(), [&] {
    return refusal(Reason::kNitroPcrMismatch, tpm::kQuoteComponent, "pcrSelect", "registers of the SHA-384 bank",
                   tpm::ShowSelection((*quote)->selection()));
  });
  for (const tpm::PcrValue& one : (*pcrs)->values()) {
    if (!log.Require(Check::kNitroQuotePcrs, one.bank == tpm::kAlgSha384, [&] {
          return refusal(Reason::kNitroPcrMismatch, tpm::kQuoteComponent, "pcrSelect",
                         "registers of the SHA-384 bank, which the document has, and of no other",
                         tpm::ShowSelection((*quote)->selection()));
        })) {
      return false;
    }
    const ByteView value = document->Find(one.index);
    sound &= log.Require(Check::kNitroQuotePcrs, Equal(one.value, value), [&] {
      return refusal(Reason::kNitroPcrMismatch, tpm::kPcrsComponent, Cat("PCR ", one.index),
                     value.empty() ? "none: it is not in the document" : Cat(ToHex(value), ", as in the document"), ToHex(one.value));
    });
  }
  return sound && bundle.Attach(*quote, log) && bundle.Attach(*pcrs, log);
}

}  // namespace assay::platform
