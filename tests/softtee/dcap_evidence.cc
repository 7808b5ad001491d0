#include "tests/softtee/dcap_evidence.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/absl_bridge.h"
#include "base/strings.h"
#include "tests/softtee/dcap_parts.h"

namespace assay::softtee {
namespace {

constexpr auto kKinds = std::to_array<std::pair<QuoteKind, std::string_view>>({
    {QuoteKind::kTdxV4, "tdx_v4"},
    {QuoteKind::kTdxV5Td10, "tdx_v5_td10"},
    {QuoteKind::kTdxV5Td15, "tdx_v5_td15"},
    {QuoteKind::kTdxV5Td15Ex, "tdx_v5_td15_ex"},
    {QuoteKind::kSgxV3, "sgx_v3"},
    {QuoteKind::kSgxV4, "sgx_v4"},
    {QuoteKind::kSgxV5, "sgx_v5"},
});

// As Intel's authorities: fixed dates keep a stored PKI valid for as long as it is kept.
constexpr Validity kAuthorities = {std::chrono::sys_days(std::chrono::year(2018) / 5 / 21),
                                   std::chrono::sys_days(std::chrono::year(2049) / 12 / 31)};

DcapQuote FrameOf(QuoteKind kind) {
  switch (kind) {
    case QuoteKind::kTdxV4: return TdxV4();
    case QuoteKind::kTdxV5Td10: return TdxV5(2);
    case QuoteKind::kTdxV5Td15: return TdxV5(3);
    case QuoteKind::kTdxV5Td15Ex: return TdxV5(4);
    case QuoteKind::kSgxV3: return SgxV3();
    case QuoteKind::kSgxV4: return SgxV4();
    case QuoteKind::kSgxV5: return SgxV5();
  }
  return {};
}

void Put(Bytes& to, std::size_t offset, ByteView bytes) {
  std::copy(bytes.begin(), bytes.end(), to.begin() + static_cast<std::ptrdiff_t>(offset));
}

// TEE_TCB_SVN: module 1.5 with SVN 6, every other component 5, as the documents' first level wants it.
constexpr ByteArray<16> kTeeTcbSvn = {6, 1, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5};

Bytes BodyOf(const DcapOptions& options, std::size_t size) {
  Bytes body(size, 0);
  if (!IsTdx(options.kind)) {
    Put(body, 0, options.machine.cpu_svn);
    body[48] = 0x05;  // INIT, MODE64BIT
    body[56] = 0xE7;  // XFRM
    Put(body, 64, kDefaultMrEnclave);
    Put(body, 128, kDefaultMrSigner);
    body[256] = 1;  // ISVPRODID
    body[258] = 2;  // ISVSVN
    Put(body, kEnclaveReportData, options.report_data);
    return body;
  }
  Put(body, 0, kTeeTcbSvn);
  Put(body, 16, kDefaultMrSeam);
  body[kTdAttributes + 3] = 0x10;                 // SEPT_VE_DISABLE
  Put(body, 128, Bytes{0xE7, 0x18, 0x06, 0x00});  // XFAM
  Put(body, kTdMrTd, options.mrtd);
  Put(body, 184, options.mrconfigid);
  Put(body, 232, options.mrowner);
  Put(body, 280, options.mrownerconfig);
  Put(body, 328, options.rtmr0);
  Put(body, 376, options.rtmr1);
  Put(body, 424, options.rtmr2);
  Put(body, 472, options.rtmr3);
  Put(body, kTdReportData, options.report_data);
  if (size > kTdTeeTcbSvn2) Put(body, kTdTeeTcbSvn2, kTeeTcbSvn);
  return body;
}

Bytes QeReportOf(const DcapOptions& options) {
  Bytes report(384, 0);
  Put(report, 0, options.machine.cpu_svn);
  report[48] = 0x11;  // INIT, PROVISIONKEY
  Put(report, 64, Ramp<32>(0x81));
  Put(report, 128, QeIdentity::Signer());
  report[256] = IsTdx(options.kind) ? 2 : 1;
  report[258] = 4;
  return report;
}

RevocationList DescribeList(const IntelPki& pki, IntelKind issuer, Time now, int days) {
  RevocationList list = DescribeIntelCrl(issuer, {}, {now - std::chrono::days(1), now + std::chrono::days(days)});
  list.authority_key_identifier = pki.KeyOf(issuer).Identifier();
  return list;
}

DcapParts Describe(const IntelPki& pki, const DcapOptions& options) {
  const Time now = options.now;
  const bool tdx = IsTdx(options.kind);
  const Validity leaf = {now - std::chrono::days(30), now + std::chrono::days(7 * 365)};
  const DocumentDates dates = {.issue_date = now - std::chrono::days(1), .next_update = now + std::chrono::days(29)};
  const IntelKind ca = options.platform_ca ? IntelKind::kPlatformCa : IntelKind::kProcessorCa;
  QuoteOptions quote{.kind = FrameOf(options.kind),
                     .platform_ca = options.platform_ca,
                     .order = options.order,
                     .machine = options.machine,
                     .validity = leaf,
                     .identifiers = true};
  quote.kind.qe_report = QeReportOf(options);
  const auto lives_long = [](Certificate& certificate) {
    certificate.not_before = kAuthorities.not_before;
    certificate.not_after = kAuthorities.not_after;
  };
  quote.ca_certificate = lives_long;
  quote.root_certificate = lives_long;
  TcbInfo info{
      .tdx = tdx, .version = options.tcb_info_version, .dates = dates, .fmspc = options.machine.fmspc, .pce_id = options.machine.pce_id};
  const Bytes body = BodyOf(options, quote.kind.body_size);
  return {.pki = pki,
          .options = options,
          .keys = pki.KeysFor(options.machine, options.platform_ca),
          .quote = std::move(quote),
          .body = body,
          .tcb_info = std::move(info),
          .qe_identity = {.tdx = tdx, .dates = dates},
          .with_tcb_info = options.with_documents,
          .with_qe_identity = options.with_documents,
          .with_tcb_signing = options.with_documents,
          .document_key = pki.KeyOf(IntelKind::kTcbSigning),
          .tcb_signing = DescribeIntel(IntelKind::kTcbSigning, CommonNameOf(IntelKind::kRoot), pki.KeyOf(IntelKind::kTcbSigning),
                                       kTcbSignerSerial, leaf, &pki.KeyOf(IntelKind::kRoot)),
          .tcb_signing_issuer = pki.KeyOf(IntelKind::kRoot),
          .root_crl = DescribeList(pki, IntelKind::kRoot, now, 364),
          .pck_crl = DescribeList(pki, ca, now, 29),
          .root_crl_issuer = pki.KeyOf(IntelKind::kRoot),
          .pck_crl_issuer = pki.KeyOf(ca),
          .with_root_crl = options.with_crls,
          .with_pck_crl = options.with_crls};
}

// The order of P-256, big-endian (SP 800-186).
constexpr ByteArray<32> kOrder = {0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                  0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51};

void Negate(Bytes& signature) {
  int borrow = 0;
  for (std::size_t i = 32; i-- > 0;) {
    const int difference = kOrder[i] - signature[32 + i] - borrow;
    borrow = difference < 0 ? 1 : 0;
    signature[32 + i] = static_cast<std::uint8_t>(difference & 0xFF);
  }
}

Evidence Assemble(DcapParts& parts) {
  const DcapOptions& options = parts.options;
  parts.quote.body = [&parts](Bytes& body) { body = parts.body; };
  parts.quote.quote = [&, then = parts.quote.quote](DcapQuote& quote) {
    if (options.negate_s) Negate(quote.signature);
    if (then) then(quote);
  };
  Bytes quote = MintQuote(parts.quote, parts.keys);
  quote.resize(quote.size() + options.padding, 0);
  if (parts.raw) parts.raw(quote);

  Evidence evidence;
  evidence.items.push_back({std::string(kQuoteType), std::move(quote)});
  const auto add = [&](std::string_view media_type, std::string_view name, Bytes body) {
    evidence.endorsements.push_back({std::string(name), body});
    evidence.items.push_back({std::string(media_type), std::move(body)});
  };
  const auto add_document = [&](std::string_view name, std::string_view member, std::string_view body,
                                const std::function<void(std::string&)>& served) {
    std::string text = SignedDocument(member, body, parts.document_key);
    if (served) served(text);
    add(kJsonType, name, ToBytes(AsBytes(text)));
  };
  if (parts.with_tcb_info) add_document("tcb_info.json", kTcbInfoMember, parts.tcb_info.Body(), parts.tcb_info_served);
  if (parts.with_qe_identity) add_document("qe_identity.json", kQeIdentityMember, parts.qe_identity.Body(), parts.qe_identity_served);
  if (options.with_evaluation_numbers) {
    add_document("evaluation_numbers.json", kEvaluationNumbersMember,
                 EvaluationNumbers{.tdx = IsTdx(options.kind), .dates = parts.tcb_info.dates}.Body(), {});
  }
  if (parts.with_tcb_signing) {
    // As the PCS sends it beside each document: the signer's certificate, then the root's.
    const std::string chain = ToPem("CERTIFICATE", parts.tcb_signing.SignedBy(parts.tcb_signing_issuer)) +
                              ToPem("CERTIFICATE", MintIntelRoot(parts.quote, parts.keys));
    add(kPemChainType, "tcb_signing_chain.pem", ToBytes(AsBytes(chain)));
  }
  if (parts.with_root_crl) {
    Bytes list = parts.root_crl.SignedBy(parts.root_crl_issuer);
    if (parts.root_crl_served) parts.root_crl_served(list);
    add(kCrlType, "root_crl.der", std::move(list));
  }
  if (parts.with_pck_crl) add(kCrlType, "pck_crl.der", parts.pck_crl.SignedBy(parts.pck_crl_issuer));
  return evidence;
}

}  // namespace

std::string_view NameOf(QuoteKind kind) { return kKinds[static_cast<std::size_t>(kind)].second; }

std::optional<QuoteKind> QuoteKindNamed(std::string_view name) {
  for (const auto& [kind, known] : kKinds) {
    if (known == name) return kind;
  }
  return std::nullopt;
}

std::span<const QuoteKind> AllQuoteKinds() {
  static constexpr auto kAll = [] {
    std::array<QuoteKind, kKinds.size()> all{};
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = kKinds[i].first;
    return all;
  }();
  return kAll;
}

bool IsTdx(QuoteKind kind) { return kind < QuoteKind::kSgxV3; }

absl::Status ApplyStatus(std::string_view status, DcapParts& parts) {
  PlatformLevel& level = parts.tcb_info.levels.front();
  const bool relaunch = status.starts_with("TDRelaunchAdvised");
  if (status == "NotSupported") {
    parts.tcb_info.levels = {level};
    level.pce_svn = parts.options.machine.pce_svn + 1U;
  } else if (relaunch) {
    if (parts.body.size() <= kTdTeeTcbSvn2 || !IsTdx(parts.options.kind)) {
      return absl::InvalidArgumentError(
          ToAbsl(Cat("status ", status, " needs a TD report 1.5, where the module of today stands beside that of the launch")));
    }
    parts.body[0] = 4;  // the module at launch: a level that is out of date by now
    if (status == "TDRelaunchAdvisedConfigurationNeeded") level.statement.status = "ConfigurationNeeded";
  } else if (status != "UpToDate") {
    level.statement.status = std::string(status);
    level.statement.advisory_ids = {"INTEL-SA-00002"};
  }
  constexpr std::string_view kStatuses[] = {"UpToDate",
                                            "SWHardeningNeeded",
                                            "ConfigurationNeeded",
                                            "ConfigurationAndSWHardeningNeeded",
                                            "OutOfDate",
                                            "OutOfDateConfigurationNeeded",
                                            "Revoked",
                                            "TDRelaunchAdvised",
                                            "TDRelaunchAdvisedConfigurationNeeded",
                                            "NotSupported"};
  if (std::find(std::begin(kStatuses), std::end(kStatuses), status) != std::end(kStatuses)) return absl::OkStatus();
  return absl::InvalidArgumentError(ToAbsl(Cat("no TCB status is called ", Printable(status, 64))));
}

absl::StatusOr<Evidence> MintDcap(const IntelPki& pki, const DcapOptions& options) {
  if (options.tcb_info_version != 3 && (options.tcb_info_version != 2 || IsTdx(options.kind))) {
    return absl::InvalidArgumentError("the TCB info's version must be 3, or 2 for SGX");
  }
  DcapParts parts = Describe(pki, options);
  if (absl::Status applied = ApplyStatus(options.status, parts); !applied.ok()) return applied;
  if (options.fault) {
    if (absl::Status applied = Apply(*options.fault, parts); !applied.ok()) return applied;
  }
  return Assemble(parts);
}

}  // namespace assay::softtee
