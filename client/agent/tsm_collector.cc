#include "client/agent/tsm_collector.h"

#include <charconv>
#include <utility>

#include "base/absl_bridge.h"
#include "base/hex.h"
#include "base/strings.h"

namespace assay::agent {
namespace {

// Removes the instance again, whatever happened to it.
class Instance {
 public:
  Instance(TsmFiles& files, std::string name) : files_(files), name_(std::move(name)) {}
  ~Instance() { files_.RemoveInstance(name_); }
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

 private:
  TsmFiles& files_;
  std::string name_;
};

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  return text;
}

absl::StatusOr<std::uint64_t> ReadNumber(TsmFiles& files, const std::string& path) {
  const absl::StatusOr<Bytes> bytes = files.Read(path);
  if (!bytes.ok()) return bytes.status();
  const std::string_view text = Trimmed(AsText(*bytes));
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    return absl::FailedPreconditionError(Cat("configfs-tsm: ", path, ": expected a decimal number, actual '", Printable(text, 32), "'"));
  }
  return number;
}

struct Provider {
  std::string_view name;
  std::string_view report_type;
  std::string_view auxiliary_type;  // "": none is sent
  std::string_view log_type;        // "": none is sent
};
constexpr Provider kProviders[] = {
    {"sev_guest", "application/vnd.assay.sev-snp-report", "application/vnd.assay.sev-cert-table", ""},
    {"tdx_guest", "application/vnd.assay.dcap-quote", "", "application/vnd.assay.ccel"},
};

absl::StatusOr<Provider> ReadProvider(TsmFiles& files, const std::string& instance) {
  const absl::StatusOr<Bytes> bytes = files.Read(instance + "/provider");
  if (!bytes.ok()) return bytes.status();
  const std::string_view name = Trimmed(AsText(*bytes));
  for (const Provider& provider : kProviders) {
    if (provider.name == name) return provider;
  }
  return absl::FailedPreconditionError(Cat("configfs-tsm: provider: expected sev_guest or tdx_guest, actual '", Printable(name, 32),
                                           "'. This build has no collector for it."));
}

}  // namespace

absl::StatusOr<std::vector<CollectedItem>> TsmCollector::Collect(const crypto::Sha512Digest& report_data) {
  absl::Status status;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    ByteArray<8> suffix{};
    random_.Fill(suffix);
    auto items = CollectOnce("assay-" + ToHex(suffix), report_data);
    if (items.ok() || !absl::IsAborted(items.status())) return items;
    status = items.status();
  }
  return absl::FailedPreconditionError(
      Cat(MessageOf(status), ". Tried ", kAttempts, " times; another process keeps writing to the same report instance."));
}

absl::StatusOr<std::vector<CollectedItem>> TsmCollector::CollectOnce(const std::string& name, const crypto::Sha512Digest& report_data) {
  if (absl::Status status = files_.MakeInstance(name); !status.ok()) return status;
  const Instance instance(files_, name);
  const absl::StatusOr<Provider> provider = ReadProvider(files_, name);
  if (!provider.ok()) return provider.status();
  const absl::StatusOr<std::uint64_t> before = ReadNumber(files_, name + "/generation");
  if (!before.ok()) return before.status();

  std::uint64_t writes = 0;
  if (privilege_level_) {
    const absl::StatusOr<std::uint64_t> floor = ReadNumber(files_, name + "/privlevel_floor");
    if (!floor.ok()) return floor.status();
    if (*privilege_level_ < *floor) {
      return absl::InvalidArgumentError(Cat("privilege level: expected at least ", *floor, " (privlevel_floor), actual ", *privilege_level_,
                                            ". This guest runs at that level and cannot attest as a more privileged one."));
    }
    if (absl::Status status = files_.Write(name + "/privlevel", AsBytes(Cat(*privilege_level_))); !status.ok()) return status;
    ++writes;
  }
  if (absl::Status status = files_.Write(name + "/inblob", report_data); !status.ok()) return status;
  ++writes;

  absl::StatusOr<Bytes> report = files_.Read(name + "/outblob");
  if (!report.ok()) return report.status();
  absl::StatusOr<Bytes> auxiliary = provider->auxiliary_type.empty() ? absl::StatusOr<Bytes>(Bytes()) : files_.Read(name + "/auxblob");
  if (!auxiliary.ok() && !absl::IsNotFound(auxiliary.status())) return auxiliary.status();

  // Read last: it vouches for everything read before it.
  const absl::StatusOr<std::uint64_t> after = ReadNumber(files_, name + "/generation");
  if (!after.ok()) return after.status();
  if (*after != *before + writes) {
    return absl::AbortedError(Cat("configfs-tsm: generation: expected ", *before + writes, " after ", writes, " writes, actual ", *after));
  }
  if (report->empty()) return absl::FailedPreconditionError("configfs-tsm: outblob: expected a report, actual 0 bytes");

  std::vector<CollectedItem> items;
  items.push_back({std::string(provider->report_type), *std::move(report)});
  // Hosts without certificates deliver none, or a table of zeros that names no entry.
  if (auxiliary.ok() && !auxiliary->empty() && !AllZero(*auxiliary)) {
    items.push_back({std::string(provider->auxiliary_type), *std::move(auxiliary)});
  }
  if (!provider->log_type.empty()) {
    absl::StatusOr<Bytes> log = files_.ReadCcel();
    const bool withheld = absl::IsNotFound(log.status()) || absl::IsPermissionDenied(log.status());
    if (!log.ok() && !withheld) return log.status();
    // Without it the quote stands for itself; whether that is enough is the policy's to say.
    if (log.ok() && !log->empty()) items.push_back({std::string(provider->log_type), *std::move(log)});
  }
  return items;
}

}  // namespace assay::agent
