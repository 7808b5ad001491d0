// The caches of one process, passed down explicitly. Absent (nullptr) everything is computed again; results are the same.
#pragma once

#include <vector>

#include "crypto/certificate.h"
#include "crypto/crl.h"
#include "trust/chain.h"
#include "trust/collateral.h"
#include "trust/fact_cache.h"
#include "trust/proven_signatures.h"

namespace assay::trust {

// A revocation list and whose signature on it was verified: good for that key and for no namesake.
struct SignedList {
  crypto::CertificateList list;
  crypto::Sha256Digest signer;  // SHA-256 of the SubjectPublicKeyInfo
};

// A fact of a format's own kind; which one, the format knows from the name under which it looks.
struct FormatFact {
  virtual ~FormatFact() = default;
};

struct FactCaches {
  explicit FactCaches(std::size_t capacity)
      : certificates(capacity),
        decoded(256),
        chains(capacity),
        revocation_lists(64),
        endorsements(capacity / 4 + 2),
        documents(256),
        machines(capacity),
        signatures(capacity) {}

  FactCache<crypto::Certificate> certificates;  // by SHA-256 of the DER; only certificates of verified chains
  // By SHA-256 of the DER. No fact but that the bytes are a certificate, whoever brought them: a few, for as long as one attestation takes.
  FactCache<crypto::Certificate> decoded;
  FactCache<VerifiedChain> chains;         // by digest of leaf, pool, anchors, product and profile
  FactCache<SignedList> revocation_lists;  // by SHA-256 of the DER; only lists signed by a pinned anchor
  // What a container unpacks to, by container and content; only of evidence that was authenticated with it.
  FactCache<std::vector<CollateralItem>> endorsements;
  FactCache<FormatFact> documents;  // by digest of a vendor's document and of the key that signed it
  FactCache<FormatFact> machines;   // by digest of those parts of evidence that stay the same from one attestation to the next
  ProvenSignatures signatures;      // only of parts that come again unchanged
};

}  // namespace assay::trust
