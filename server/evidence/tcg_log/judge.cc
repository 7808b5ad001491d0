#include "evidence/tcg_log/judge.h"

#include <string>

#include "base/strings.h"
#include "evidence/tcg_log/claims.h"
#include "evidence/tcg_log/event_log.h"

namespace assay::tcg_log {

// Whoever feeds GRUB its commands can have it measure any text, and the log then calls that the command line: the true one shows only as
// a digest more in log.boot_files. And that claim leaves one text out, which shows only in log.kernel_cmdline.
void Judge(const trust::AuthenticatedClaims& claims, const evidence::JudgeContext& context, CheckLog& log) {
  if (const auto* bank = claims.Get<std::string>(kBankClaim)) {
    log.Require(Check::kLogStrongBank, *bank != kSha1Bank, [&] {
      return Finding{.reason = Reason::kLogBankWeak,
                     .component = std::string(kLogComponent),
                     .claim = std::string(kBankClaim),
                     .expected = "sha256, sha384 or sha512",
                     .actual = *bank};
    });
  }
  if (const auto* unknown = claims.Get<std::uint64_t>(kUnknownSecureBootEventsClaim)) {
    log.Require(Check::kLogSecureBootEvents, *unknown == 0, [&] {
      return Finding{.reason = Reason::kSecureBootEventUnknown,
                     .component = std::string(kLogComponent),
                     .claim = std::string(kUnknownSecureBootEventsClaim),
                     .expected = "0",
                     .actual = std::to_string(*unknown)};
    });
  }
  if (claims.Find(kCommandLineClaim) == nullptr) return;
  const bool command_line = context.Pins(kCommandLineClaim) || context.Releases(kCommandLineClaim);
  const bool files = context.Pins(kBootFilesClaim) || context.Releases(kBootFilesClaim);
  if (!command_line && !files) return;
  const std::string_view open = files ? kCommandLineClaim : kBootFilesClaim;
  log.Require(Check::kLogCommandLine, command_line == files, [&] {
    return Finding{.reason = Reason::kCommandLineOpen,
                   .effect = Effect::kIndeterminate,
                   .component = std::string(kLogComponent),
                   .claim = std::string(open),
                   .expected = "a rule beside that on the other",
                   .actual = "none",
                   .remedy = Cat("Appraise ", kCommandLineClaim, " and ", kBootFilesClaim,
                                 " both, by equals, one_of or in every tuple of a release.")};
  });
}

}  // namespace assay::tcg_log
