// What a launch measurement does not answer where the code that is launched is firmware, or a paravisor, and no more.
#pragma once

#include <algorithm>
#include <iterator>
#include <string_view>

namespace assay::platform {

// For Platform::no_answer.
inline std::string_view FirmwareIsNotTheBoot(std::string_view question, std::string_view claim) {
  static constexpr std::string_view kOfTheLaunch[] = {"dcap.mrtd", "snp.author_key_digest", "snp.id_key_digest", "snp.measurement"};
  if (question != "boot.covered" || std::find(std::begin(kOfTheLaunch), std::end(kOfTheLaunch), claim) == std::end(kOfTheLaunch)) return {};
  return "it is of what the hypervisor starts, which on this platform is firmware alone and boots any kernel; name a register that covers the boot (a PCR, an RTMR), or waive it";
}

// Microsoft signs what it launches, for all of its customers alike.
inline std::string_view MicrosoftIsNotTheOwner(std::string_view question, std::string_view claim) {
  if (question == "owner" &&
      (claim == "snp.id_key_digest" || claim == "snp.author_key_digest" || claim == "snp.measurement" || claim == "dcap.mrtd")) {
    return "it is of Microsoft's paravisor, alike for all customers; name tpm.ak_key_digest with the keys of your machines, or waive it";
  }
  return FirmwareIsNotTheBoot(question, claim);
}

}  // namespace assay::platform
