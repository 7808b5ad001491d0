// Parsed<T>: decoded, not believed.
//
// From a Parsed<T> one gets LookupHints (to fetch, never to decide) and a Description (to display). The fields themselves
// open only to T's own Authenticator, through an UnverifiedAccess that nobody else can make.
//
// T names two types: `Parser`, which alone makes a Parsed<T>, and `Authenticator`, which alone looks inside. T has
// `LookupHints Hints() const` and `Description Describe() const`.
#pragma once

#include <utility>

#include "trust/collateral.h"
#include "trust/description.h"

namespace assay::trust {

template <typename T>
class ParserPass {
  friend typename T::Parser;
  ParserPass() {}  // user-provided: `= default` would let anybody write ParserPass<T>{}
};

template <typename T>
class UnverifiedAccess {
  friend typename T::Authenticator;
  UnverifiedAccess() {}
};

template <typename T>
class Authenticated;

template <typename T>
class Parsed {
 public:
  Parsed(ParserPass<T>, T value) : value_(std::move(value)) {}

  LookupHints Hints() const { return value_.Hints(); }
  Description Describe() const { return value_.Describe(); }
  const T& Unverified(UnverifiedAccess<T>) const { return value_; }
  // The authenticator may add what the verified certificate of the signing key says, before the part is believed.
  T& Annotate(UnverifiedAccess<T>) { return value_; }

 private:
  friend class Authenticated<T>;
  T value_;
};

}  // namespace assay::trust
