// The road from untrusted bytes to claims has no side entrance.
#include <optional>
#include <string>
#include <vector>

#include "evidence/dcap/signed_document.h"
#include "evidence/sev_snp/report.h"
#include "trust/authenticated.h"
#include "trust/bundle.h"
#include "trust/claims.h"
#include "trust/collateral.h"
#include "trust/parsed.h"

namespace assay {

using sev_snp::Report;

// What everybody may do with a parsed part: look up collateral for it and show it.
std::size_t Looks(const trust::Parsed<Report>& parsed) { return parsed.Hints().keys().size() + parsed.Describe().children().size(); }
// And with an authenticated one: read it.
ByteView Reads(const trust::Authenticated<Report>& report) { return report->report_data(); }

#ifdef CASE_forging_authenticated
// expect: (no matching (function for call to|constructor for initialization of)|calling a private constructor|is private within this context).*
trust::Authenticated<Report> Forged(trust::Parsed<Report> parsed) {
  return trust::Authenticated<Report>(std::move(parsed), "signature", "vcek", std::vector<trust::ValidityWindow>(), std::nullopt, nullptr);
}
#endif

#ifdef CASE_parsed_taken_for_authenticated
// expect: (could not convert|no viable conversion from).*Parsed<.*Report>.*Authenticated
trust::Authenticated<Report> Taken(trust::Parsed<Report> parsed) { return parsed; }
#endif

#ifdef CASE_fields_of_a_parsed_part
// expect: (no member named|has no member named) .report_data
ByteView Fields(const trust::Parsed<Report>& parsed) { return parsed.report_data(); }
#endif

#ifdef CASE_unverified_access_for_anybody
// expect: (is private within this context|calling a private constructor of class)
const Report& Opened(const trust::Parsed<Report>& parsed) { return parsed.Unverified(trust::UnverifiedAccess<Report>()); }
#endif

#ifdef CASE_unverified_access_by_braces
// expect: (is private within this context|calling a private constructor of class)
const Report& OpenedByBraces(const trust::Parsed<Report>& parsed) { return parsed.Unverified({}); }
#endif

#ifdef CASE_parsed_without_the_parser
// expect: (is private within this context|calling a private constructor of class)
trust::Parsed<Report> Smuggled(Report report) { return trust::Parsed<Report>(trust::ParserPass<Report>(), std::move(report)); }
#endif

#ifdef CASE_claims_from_parsed
// expect: (no matching function for call to|no matching member function for call to) .*Carry
std::optional<trust::Bundle> Claims(const trust::Parsed<Report>& parsed, const trust::Challenge& challenge, CheckLog& log) {
  return trust::Bundle::Carry(parsed, challenge, log);
}
#endif

#ifdef CASE_claim_writer_for_anybody
// expect: (is private within this context|calling a private constructor of class)
void Written(std::vector<trust::Claim>& claims) { trust::ClaimWriter writer(claims, "sev-snp-report"); }
#endif

#ifdef CASE_authenticated_claims_from_thin_air
// expect: (is private within this context|calling a private constructor of class)
trust::AuthenticatedClaims FromThinAir() { return trust::AuthenticatedClaims(); }
#endif

#ifdef CASE_claims_from_a_description
// expect: (cannot convert|no viable conversion from|could not convert|conversion from) .*Description.*Value
trust::Value FromDescription(const trust::Description& description) {
  const trust::Value value = description;
  return value;
}
#endif

#ifdef CASE_a_hint_used_as_a_claim
// expect: (cannot convert|no viable conversion from|could not convert|conversion from) .*LookupHints
trust::Value FromHints(const trust::Parsed<Report>& parsed) {
  const trust::Value value = parsed.Hints();
  return value;
}
#endif

#ifdef CASE_a_hinted_key_used_as_a_claim
// expect: (cannot convert|no viable conversion from|could not convert|conversion from) .*CollateralKey
trust::Value FromKey(const trust::CollateralKey& key) {
  const trust::Value value = key;
  return value;
}
#endif

#ifdef CASE_bytes_without_a_reader
// expect: (cannot convert|no viable conversion from|could not convert|conversion from) .*UntrustedBytes
ByteView Unread(const trust::UntrustedBytes& bytes) { return bytes; }
#endif

#ifdef CASE_a_chain_nobody_verified
// expect: (is private within this context|calling a private constructor of class)
trust::VerifiedChain Unverified(crypto::CertificatePath path) { return trust::VerifiedChain(std::move(path)); }
#endif

#ifdef CASE_a_key_out_of_a_parsed_part
// expect: (no matching function for call to) .*FromContent
trust::VerifiedKey Contained(const trust::Parsed<Report>& parsed) { return trust::VerifiedKey::FromContent(parsed, "key"); }
#endif

// Collateral takes the same road.
std::uint32_t Reads(const trust::Authenticated<dcap::TcbInfo>& info) { return info->head.evaluation_data_number; }

#ifdef CASE_fields_of_a_parsed_document
// expect: (no member named|has no member named) .head
std::uint32_t Fields(const trust::Parsed<dcap::TcbInfo>& info) { return info.head.evaluation_data_number; }
#endif

#ifdef CASE_unverified_access_to_a_document
// expect: (is private within this context|calling a private constructor of class)
const dcap::TcbInfo& Opened(const trust::Parsed<dcap::TcbInfo>& info) { return info.Unverified(trust::UnverifiedAccess<dcap::TcbInfo>()); }
#endif

#ifdef CASE_a_read_document_taken_for_authentic
// expect: (could not convert|no viable conversion from|conversion from).*TcbInfo.*Authenticated
trust::Authenticated<dcap::TcbInfo> Taken(dcap::TcbInfo info) { return info; }
#endif

}  // namespace assay
