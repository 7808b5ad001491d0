// Binding: an attestation document of AWS Nitro that answers the challenge by its nonce is the carrier of the bundle.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/check_log.h"
#include "base/strings.h"
#include "crypto/digest.h"
#include "evidence/format.h"
#include "evidence/nitro/document.h"
#include "evidence/nitro/format.h"
#include "trust/authenticated.h"
#include "trust/bundle.h"
#include "trust/challenge.h"

namespace assay::platform {

// The instance identity is module_id: one enclave from start to end, or one instance's NitroTPM.
inline Bytes IdentityOfModule(std::string_view module_id) {
  Bytes identity = ToBytes(AsBytes("nitro.module_id"));
  Append(identity, AsBytes(module_id));
  return ToBytes(crypto::Sha256(identity));
}
inline Bytes ModuleIdentityHint(std::span<const evidence::Item> items, const trust::Challenge&) {
  const auto hint = nitro::HintOf(items);
  return hint ? IdentityOfModule(hint->module_id) : Bytes();
}

inline bool FitsDocument(std::span<const evidence::Item> items, nitro::Kind kind) {
  const auto hint = nitro::HintOf(items);
  return hint && hint->kind == kind;
}

// The document among the items, authentic and of that kind. nullopt: the log says why.
inline std::optional<trust::Authenticated<nitro::Document>> DocumentOf(std::span<const evidence::Item> items, nitro::Kind kind,
                                                                       const evidence::AuthenticationContext& context, CheckLog& log) {
  auto document = nitro::AuthenticateDocument(items, context, log);
  if (!document) return std::nullopt;
  if (!log.Require(Check::kPlatform, (*document)->kind() == kind, [&] {
        return Finding{.reason = Reason::kPlatformUnrecognised,
                       .component = std::string(nitro::kDocumentComponent),
                       .claim = "nitro.kind",
                       .expected = std::string(nitro::NameOf(kind)),
                       .actual = std::string(nitro::NameOf((*document)->kind())),
                       .remedy = "Attest as what the node is: aws_nitro_enclave, aws_nitro_tpm or aws_sev_snp."};
      })) {
    return std::nullopt;
  }
  return document;
}

}  // namespace assay::platform
