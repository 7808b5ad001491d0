// MRTD of a trust domain, foretold from its firmware: what the TDX module hashes while a hypervisor builds the TD.
// Intel TDX Module Base Architecture Specification (348549): TD measurement, TDH.MEM.PAGE.ADD and TDH.MR.EXTEND.
//
// SHA-384 over, for each page added, 128 bytes "MEM.PAGE.ADD" with its address; for each 256 bytes of a measured page, 128 bytes
// "MR.EXTEND" with their address, then themselves. The order of these calls is the hypervisor's, so one image has more than one MRTD.
#pragma once

#include <cstdint>
#include <span>

#include "crypto/digest.h"
#include "evidence/dcap/tdvf.h"

namespace assay::dcap {

enum class PageAddOrder : std::uint8_t {
  kSinglePass,  // each page is added and measured before the next one
  kTwoPass,     // all pages of a section are added, then measured
};

// `sections` as ReadTdvf gave them, their image still there. Hashes at most one and a half times kMaxTdvfMemory.
crypto::Sha384Digest Mrtd(std::span<const TdvfSection> sections, PageAddOrder order);

}  // namespace assay::dcap
