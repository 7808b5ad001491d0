// The format `nitro`: attestation documents of AWS Nitro Enclaves and of NitroTPM. See README.md in this folder.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "base/check_log.h"
#include "evidence/format.h"
#include "evidence/nitro/document.h"
#include "trust/authenticated.h"

namespace assay::nitro {

inline constexpr std::string_view kDocumentMediaType = "application/vnd.assay.nitro-document";

extern const evidence::Format kFormat;

// For platforms: parses and authenticates the one document among the items. nullopt: the log says why.
std::optional<trust::Authenticated<Document>> AuthenticateDocument(std::span<const evidence::Item> items,
                                                                   const evidence::AuthenticationContext& context, CheckLog& log);

// The same hint, of the document among the items. nullopt: there is none, or it is malformed.
std::optional<DocumentHint> HintOf(std::span<const evidence::Item> items);

}  // namespace assay::nitro
