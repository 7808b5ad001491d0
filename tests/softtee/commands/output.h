// Where minted evidence goes: to standard output as JSON, or into the files of a directory.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "tests/softtee/commands/arguments.h"
#include "tests/softtee/snp_evidence.h"

namespace assay::softtee {

// What a node says of its TPM beside the evidence; empty: nothing.
struct TpmWords {
  Bytes attestation_key, endorsement_key, endorsement_certificate;  // for the request for a challenge
  Bytes activation_secret;
};

// `{"items":[…]}`, and where `tpm` is given, `"tpm":{"attestation_key":"…",…}`, all in base64.
void PrintJson(const std::vector<Item>& items, const TpmWords* tpm = nullptr);

// Names inside of the directory, and contents. The exit code.
using NamedFiles = std::vector<std::pair<std::string, Bytes>>;
int WriteFiles(const std::string& directory, const NamedFiles& files);

// Each item as a file of its type and number: "tpm-quote.0", "pkix-cert.5".
NamedFiles FilesOf(const std::vector<Item>& items);

}  // namespace assay::softtee
