// bench_service: what a verdict costs assayd, beside the one signature verification that it cannot do without.
//
// assayd runs as a process of its own, as released: TLS, SQLite, signed tokens, its log into a file. Nodes of the software
// TEE join it over connections that stay open, each under its own key: a challenge, then a report signed for it. A verdict
// is both calls. Server and load get CPUs of their own where there are two or more.
// Trust domains (TDX) join a server of their own in the same way, with Intel's documents in its directory and quotes of one machine.
//
// What gRPC alone takes is measured beside it: a server that answers both calls with what assayd once answered, without looking at
// them, under the same TLS and the same load. No service on this gRPC can give verdicts for less than that and the verification.
//
// Server CPU-seconds are those of its process, system time included. Ratios are to measurements of the same run, taken in
// turns, and the median of the turns counts: a busy machine slows both sides alike. Waiting times include the load
// generator's own, and are the less meaningful the fewer CPUs there are.
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "assay/v1/attestation_service.grpc.pb.h"
#include "base/absl_bridge.h"
#include "base/bug.h"
#include "base/clock.h"
#include "base/hex.h"
#include "base/strings.h"
#include "client/lib/client.h"
#include "crypto/binding_transcript.h"
#include "service/tls.h"
#include "tests/bench/quick_signer.h"
#include "tests/bench/raw_verify.h"
#include "tests/fakes/vendor_services.h"
#include "tests/integration/verifier.h"
#include "tests/places/places.h"
#include "tests/softtee/cert_table.h"
#include "tests/softtee/dcap_evidence.h"
#include "tests/softtee/dev_tls.h"
#include "tests/softtee/signed_quote.h"
#include "tests/softtee/snp_evidence.h"

namespace assay::bench {
namespace {

using Steady = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr std::size_t kChips = 100;
constexpr std::size_t kMostInFlight = 512;
constexpr std::size_t kUsualInFlight = 32;
constexpr unsigned kSmallQueue = 64;
constexpr double kOverload = 3;
constexpr std::size_t kStorm = 200;  // nodes without certificates, each on a machine of its own
constexpr int kTurns = 3;
constexpr std::chrono::milliseconds kRamp{500}, kRampForEach{4};  // until calls of both kinds are under way in equal parts
constexpr std::chrono::milliseconds kOperatorsPause{10};
constexpr std::size_t kReportData = 0x50;                                     // AMD 56860, ATTESTATION_REPORT
constexpr std::size_t kQuotedReportData = 48 + 520, kQuoteSigned = 48 + 584;  // Intel's Quote Generation Library, version 4
constexpr long kTmpfs = 0x01021994;                                           // statfs(2)

// Ends the run, with servers and directories cleared away.
struct Failure {
  std::string what;
};
[[noreturn]] void Die(std::string what) { throw Failure{std::move(what)}; }

// Threads whose first Failure becomes the joiner's.
class Threads {
 public:
  template <typename Work>
  void Start(Work work) {
    threads_.emplace_back([this, work = std::move(work)] {
      try {
        work();
      } catch (...) {
        const std::lock_guard lock(mutex_);
        if (failed_ == nullptr) failed_ = std::current_exception();
      }
    });
  }
  void Join() {
    JoinAll();
    if (failed_ != nullptr) std::rethrow_exception(failed_);
  }
  ~Threads() { JoinAll(); }

 private:
  void JoinAll() {
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  std::mutex mutex_;
  std::exception_ptr failed_;  // guarded by mutex_
  std::vector<std::thread> threads_;
};

double ClockSeconds(clockid_t clock) {
  timespec now{};
  ASSAY_CHECK(::clock_gettime(clock, &now) == 0);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}
double ThreadSeconds() { return ClockSeconds(CLOCK_THREAD_CPUTIME_ID); }
double ProcessSeconds() { return ClockSeconds(CLOCK_PROCESS_CPUTIME_ID); }
double ProcessSeconds(pid_t process) {
  clockid_t clock{};
  ASSAY_CHECK(::clock_getcpuclockid(process, &clock) == 0);
  return ClockSeconds(clock);
}

// How long the threads of a process were ready to run and did not: whatever else the machine does, measured. 0 where the
// kernel does not say. Threads that have ended are not in it.
double DelaySeconds(pid_t process) {
  double sum = 0;
  std::error_code ignored;
  for (const auto& thread : std::filesystem::directory_iterator(Cat("/proc/", process, "/task"), ignored)) {
    std::ifstream file(thread.path() / "schedstat");
    double on_cpu = 0, delayed = 0;
    if (file >> on_cpu >> delayed) sum += delayed / 1e9;
  }
  return sum;
}

template <typename T>
T Median(std::vector<T> values) {
  ASSAY_CHECK(!values.empty());
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Milliseconds; 0 if nothing was measured.
double Percentile(std::vector<double>& values, double part) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1, static_cast<std::size_t>(part * static_cast<double>(values.size())))] * 1e3;
}

// --- CPUs ------------------------------------------------------------------------------------------------------------

// The CPUs that this process may use: the first half for assayd, the others for the load. With one, both share it.
class Cpus {
 public:
  Cpus() {
    cpu_set_t all;
    ASSAY_CHECK(::sched_getaffinity(0, sizeof all, &all) == 0);
    std::vector<unsigned> cpus;
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &all)) cpus.push_back(cpu);
    }
    all_ = cpus;
    const auto half = static_cast<std::ptrdiff_t>(cpus.size() / 2);
    server_ = cpus.size() < 2 ? cpus : std::vector<unsigned>(cpus.begin(), cpus.begin() + half);
    load_ = cpus.size() < 2 ? cpus : std::vector<unsigned>(cpus.begin() + half, cpus.end());
  }
  const std::vector<unsigned>& all() const { return all_; }
  const std::vector<unsigned>& server() const { return server_; }
  const std::vector<unsigned>& load() const { return load_; }
  bool shared() const { return all_.size() < 2; }

  // This thread, and whatever it starts from now on.
  static void Use(const std::vector<unsigned>& cpus) {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (const unsigned cpu : cpus) CPU_SET(cpu, &set);
    ASSAY_CHECK(::sched_setaffinity(0, sizeof set, &set) == 0);
  }

 private:
  std::vector<unsigned> all_, server_, load_;
};

// --- evidence ----------------------------------------------------------------------------------------------------------

// A chip's certificates do not change, so a node only has to sign.
class Chip {
 public:
  Chip(std::size_t number, Time now, const Bytes& crl)
      : id_(IdOf(number)), key_(softtee::SnpPki::Shared().VcekKey(kProduct, id_, softtee::DefaultTcb(kProduct))), signer_(key_) {
    const softtee::SnpPki& pki = softtee::SnpPki::Shared();
    softtee::SnpOptions options;
    options.chip_id = id_;
    options.now = now;
    options.with_crl = false;
    const softtee::Evidence minted = softtee::MintSnp(pki, options).value();
    report_ = *minted.Find(softtee::kReportType);
    softtee::CertTable table;
    table.rows = {{softtee::guid::kVcek, minted.endorsements.front().der},
                  {softtee::guid::kAsk, pki.CertificateOf(softtee::Authority::kAsk, kProduct)},
                  {softtee::guid::kArk, pki.CertificateOf(softtee::Authority::kArk, kProduct)},
                  {softtee::guid::kCrl, crl}};
    table_ = table.Serialize();
  }

  static constexpr softtee::Product kProduct = softtee::Product::kMilan;

  void Answer(const crypto::Sha512Digest& report_data, v1::AttestRequest& request) const {
    AnswerBare(report_data, request);
    Add(softtee::kCertTableType, table_, request);
  }
  // Without certificates.
  void AnswerBare(const crypto::Sha512Digest& report_data, v1::AttestRequest& request) const {
    Bytes report = report_;
    std::copy(report_data.begin(), report_data.end(), report.begin() + kReportData);
    softtee::WriteSignature(report, signer_.Sign(ByteView(report).first(softtee::kSignedSize)));
    Add(softtee::kReportType, report, request);
  }

  const ByteArray<64>& id() const { return id_; }
  RawVerify Yardstick() const { return RawVerify(report_, key_.SubjectPublicKeyInfo()); }

 private:
  static void Add(std::string_view type, ByteView body, v1::AttestRequest& request) {
    v1::EvidenceItem& item = *request.add_items();
    item.set_media_type(std::string(type));
    item.set_body(std::string(AsText(body)));
  }
  static ByteArray<64> IdOf(std::size_t number) {
    ByteArray<64> id = softtee::kDefaultChipId;
    id[0] = static_cast<std::uint8_t>(number);
    id[1] = static_cast<std::uint8_t>(number >> 8);
    return id;
  }

  ByteArray<64> id_;
  softtee::Key key_;
  QuickSigner signer_;
  Bytes report_, table_;
};

struct BareChip {
  const Chip& chip;
  void Answer(const crypto::Sha512Digest& report_data, v1::AttestRequest& request) const { chip.AnswerBare(report_data, request); }
};

// The same of a TDX machine: only what its attestation key signs is new.
class Quoted {
 public:
  explicit Quoted(const Bytes& quote) : key_(softtee::IntelPki::Shared().KeysFor({}, true).attestation), quote_(quote) {}

  void Answer(const crypto::Sha512Digest& report_data, v1::AttestRequest& request) const {
    Bytes quote = quote_;
    std::copy(report_data.begin(), report_data.end(), quote.begin() + kQuotedReportData);
    const Bytes signature = softtee::SignP1363(key_, ByteView(quote).first(kQuoteSigned));
    std::copy(signature.begin(), signature.end(), quote.begin() + kQuoteSigned + 4);  // behind the length of what follows
    v1::EvidenceItem& item = *request.add_items();
    item.set_media_type(std::string(softtee::kQuoteType));
    item.set_body(std::string(AsText(quote)));
  }
  RawVerify Yardstick() const {
    const Bytes message(quote_.begin(), quote_.begin() + kQuoteSigned);
    return RawVerify(message, softtee::SignP1363(key_, message), key_.SubjectPublicKeyInfo());
  }

 private:
  softtee::Key key_;
  Bytes quote_;
};

// --- the server --------------------------------------------------------------------------------------------------------

void Replace(std::string& text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  if (at == std::string::npos) Die(Cat("the configuration of the integration tests has no '", from, "' any more"));
  text.replace(at, from.size(), to);
}

// The demonstration's policies, with these chips on the allow-list.
void AllowChips(const integration::Site& site, const std::vector<Chip>& chips) {
  std::string text = site.Text("policies/demo-worker.yaml");
  const std::size_t rule = text.find("  - {claim: snp.chip_id,");
  if (rule == std::string::npos) Die("deploy/demo/policies/demo-worker.yaml has no rule for snp.chip_id any more");
  std::vector<std::string> ids;
  for (const Chip& chip : chips) ids.push_back(Cat("\"", ToHex(chip.id()), "\""));
  text.replace(rule, text.find('\n', rule) - rule, Cat("  - {claim: snp.chip_id, one_of: [", Join(ids, ", "), "]}"));
  site.Write("policies/demo-worker.yaml", text);
}

// A directory that goes with its object.
class Folder {
 public:
  explicit Folder(std::string_view parent) {
    std::string path = Cat(parent, "/bench-service-XXXXXX");
    if (::mkdtemp(path.data()) == nullptr) Die(Cat("cannot make a directory in ", parent));
    path_ = path;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  const std::string& path() const { return path_; }
  bool InMemory() const {
    struct statfs status {};
    return ::statfs(path_.c_str(), &status) == 0 && status.f_type == kTmpfs;
  }

 private:
  std::string path_;
};

// A server in a process of its own, on its CPUs, with an address for nodes.
class Served {
 public:
  ~Served() {
    process_->Signal(SIGTERM);
    process_->Wait();
  }
  Served(const Served&) = delete;

  const integration::Site& site() const { return site_; }
  const std::string& join() const { return join_; }
  double CpuSeconds() const { return ProcessSeconds(process_->id()); }
  double DelaySeconds() const { return bench::DelaySeconds(process_->id()); }

 protected:
  // `command` writes the file `name`.ready when it listens.
  Served(const integration::Site& site, const Cpus& cpus, std::string_view name, const std::vector<std::string>& command) : site_(site) {
    const std::string ready = site.File(Cat(name, ".ready")), log = site.File(Cat(name, ".log"));
    std::filesystem::remove(ready);  // of one before it
    Cpus::Use(cpus.server());
    process_ = std::make_unique<integration::Process>(command, log);
    Cpus::Use(cpus.load());
    while (!std::filesystem::exists(ready)) {
      if (!process_->Running()) Die(Cat(command.front(), " did not start:\n", site.Text(Cat(name, ".log"))));
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    addresses_ = site.Text(Cat(name, ".ready"));
    join_ = LineOf("join=");
  }
  std::string LineOf(std::string_view key) const {
    const std::size_t at = addresses_.find(key) + key.size();
    return addresses_.substr(at, addresses_.find('\n', at) - at);
  }

 private:
  const integration::Site& site_;
  std::unique_ptr<integration::Process> process_;
  std::string addresses_, join_;
};

class Assayd : public Served {
 public:
  // `name` tells its files in the site apart; the store is a file in `folder`. `more` is further YAML.
  Assayd(const integration::Site& site, const Cpus& cpus, std::string_view name, const std::string& folder, unsigned queue,
         std::string_view more = "")
      : Served(site, cpus, name,
               {integration::Program("assayd"), "run", "--config", Configured(site, name, folder, queue, more), "--insecure-test-anchors",
                site.File("anchors.yaml"), "--ready-file", site.File(Cat(name, ".ready"))}),
        operators_(LineOf("operator=")) {}

  const std::string& operators() const { return operators_; }

 private:
  static std::string Configured(const integration::Site& site, std::string_view name, const std::string& folder, unsigned queue,
                                std::string_view more) {
    std::string config = Cat(site.Config(), more);
    Replace(config, "join: {",
            Cat("join: {connections: {total: 2000, per_address: 2000}, rates: {per_address: 1000000, total: 1000000}, "));
    Replace(config, "assay.db", Cat(folder, "/", name, ".db"));
    Replace(config, "threads: 2, queue: 64", Cat("threads: 0, queue: ", queue));
    const std::string file = Cat(name, ".yaml");
    site.Write(file, config);
    return site.File(file);
  }

  const std::string operators_;
};

// --- the server that does nothing ---------------------------------------------------------------------------------------

constexpr std::string_view kOldChallenge = "old.challenge", kOldVerdict = "old.verdict", kIdle = "idle";

class Idle : public Served {
 public:
  Idle(const integration::Site& site, const Cpus& cpus)
      : Served(site, cpus, kIdle, {integration::Program("bench_service"), "--idle-in", site.root().string()}) {}
};

class IdleService final : public v1::AttestationService::WithRawCallbackMethod_CreateChallenge<
                              v1::AttestationService::WithRawCallbackMethod_Attest<v1::AttestationService::Service>> {
 public:
  IdleService(std::string_view challenge, std::string_view verdict) : challenge_(Of(challenge)), verdict_(Of(verdict)) {}
  grpc::ServerUnaryReactor* CreateChallenge(grpc::CallbackServerContext* context, const grpc::ByteBuffer*,
                                            grpc::ByteBuffer* response) override {
    return Answer(*context, challenge_, *response);
  }
  grpc::ServerUnaryReactor* Attest(grpc::CallbackServerContext* context, const grpc::ByteBuffer*, grpc::ByteBuffer* response) override {
    return Answer(*context, verdict_, *response);
  }

 private:
  static grpc::ByteBuffer Of(std::string_view bytes) {
    const grpc::Slice slice(bytes.data(), bytes.size());
    return {&slice, 1};
  }
  static grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext& context, const grpc::ByteBuffer& answer,
                                          grpc::ByteBuffer& response) {
    response = answer;
    grpc::ServerUnaryReactor* reactor = context.DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
  const grpc::ByteBuffer challenge_, verdict_;
};

std::string ContentOf(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Until SIGTERM.
int ServeIdly(const std::filesystem::path& site) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  v1::TlsIdentity identity;
  identity.set_certificate((site / "tls/server.pem").string());
  identity.set_key((site / "tls/server.key").string());
  const auto tls = service::LoadTlsMaterial(identity, "tls", SystemClock().Now());
  if (!tls.ok()) Die(std::string(MessageOf(tls.status())));
  IdleService service(ContentOf(site / kOldChallenge), ContentOf(site / kOldVerdict));
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", service::JoinCredentials(*tls), &port);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) Die("gRPC did not start");
  const std::filesystem::path ready = site / Cat(kIdle, ".ready"), unfinished = site / Cat(kIdle, ".unfinished");
  std::ofstream(unfinished) << "join=127.0.0.1:" << port << "\n";
  std::filesystem::rename(unfinished, ready);
  int signal = 0;
  sigwait(&signals, &signal);
  server->Shutdown(std::chrono::system_clock::now());
  return 0;
}

// --- nodes -------------------------------------------------------------------------------------------------------------

enum class End : std::uint8_t { kTrusted, kNoChallenge, kNoVerdict };  // the latter two: RESOURCE_EXHAUSTED

class Joiner {
 public:
  explicit Joiner(const Served& server) : site_(server.site()), node_(server.join(), server.site()), ask_(node_.Ask()) {}

  // On the connection that the first join made. Dies of anything but a verdict TRUSTED or a refusal for overload.
  template <typename Machine>
  End Join(const Machine& machine) {
    const auto challenge = node_.CreateChallenge(ask_);
    if (!challenge.ok()) return Refused(challenge.status(), End::kNoChallenge);
    const double begin = ThreadSeconds();
    const v1::AttestRequest answer = AnswerTo(*challenge, machine);
    minting_ += ThreadSeconds() - begin;
    const auto response = node_.Attest(answer);
    if (!response.ok()) return Refused(response.status(), End::kNoVerdict);
    if (response->appraisal().verdict() != v1::VERDICT_TRUSTED || response->ear().empty()) {
      std::string findings;
      for (const v1::Finding& finding : response->appraisal().findings()) findings += Cat("\n", finding.ShortDebugString());
      Die(Cat("expected a token and the verdict TRUSTED, actual: ", response->ear().empty() ? "no token, " : "a token, ",
              v1::Verdict_Name(response->appraisal().verdict()), findings));
    }
    verdict_id_ = response->verdict_id();
    return End::kTrusted;
  }

  // One attempt, whatever comes of it; when the next makes sense.
  template <typename Machine>
  std::chrono::milliseconds Attempt(const Machine& machine) {
    const auto challenge = node_.CreateChallenge(ask_);
    if (!challenge.ok()) return std::chrono::milliseconds(Refused(challenge.status(), End::kNoChallenge) == End::kNoChallenge ? 1000 : 0);
    const auto response = node_.Attest(AnswerTo(*challenge, machine));
    if (!response.ok()) return std::chrono::milliseconds(Refused(response.status(), End::kNoVerdict) == End::kNoVerdict ? 1000 : 0);
    return std::chrono::milliseconds(response->retry_after_ms());
  }

  // One join more, whose answers the server that does nothing will give.
  template <typename Machine>
  void Keep(const Machine& machine) {
    const auto challenge = node_.CreateChallenge(ask_);
    if (!challenge.ok()) Die(std::string(MessageOf(challenge.status())));
    const auto response = node_.Attest(AnswerTo(*challenge, machine));
    if (!response.ok()) Die(std::string(MessageOf(response.status())));
    site_.Write(kOldChallenge, challenge->SerializeAsString());
    site_.Write(kOldVerdict, response->SerializeAsString());
  }

  const std::string& verdict_id() const { return verdict_id_; }  // of the last verdict
  double minting() const { return minting_; }                    // CPU-seconds so far

 private:
  template <typename Machine>
  v1::AttestRequest AnswerTo(const v1::CreateChallengeResponse& challenge, const Machine& machine) {
    v1::AttestRequest answer;
    if (!server_key_) server_key_ = node_.ServerKey();
    answer.set_challenge(challenge.challenge());
    *answer.mutable_context() = ask_.context();
    *answer.mutable_keys() = ask_.keys();
    const crypto::BindingTranscript transcript{.nonce = ToBytes(AsBytes(challenge.nonce())),
                                               .node_spki = ToBytes(AsBytes(ask_.keys().node_spki())),
                                               .csr_sha256 = {},
                                               .cluster = ask_.context().cluster(),
                                               .role = ask_.context().role(),
                                               .name = ask_.context().name(),
                                               .tpm_ak = {},
                                               .server_spki_sha256 = ToBytes(*server_key_)};
    machine.Answer(transcript.ReportData(), answer);
    return answer;
  }

  static End Refused(const absl::Status& status, End end) {
    if (!absl::IsResourceExhausted(status)) Die(std::string(MessageOf(status)));
    return end;
  }

  const integration::Site& site_;
  integration::Node node_;
  const v1::CreateChallengeRequest ask_;
  std::optional<crypto::Sha256Digest> server_key_;
  std::string verdict_id_;
  double minting_ = 0;
};

using Joiners = std::vector<std::unique_ptr<Joiner>>;

// Connected: what a handshake costs is no part of what a verdict costs.
template <typename Machine>
Joiners Connect(const Served& server, std::size_t count, const Machine& machine) {
  Joiners joiners;
  for (std::size_t i = 0; i < count; ++i) {
    joiners.push_back(std::make_unique<Joiner>(server));
    if (joiners.back()->Join(machine) != End::kTrusted) Die("an idle server refused a node for overload");
  }
  return joiners;
}

struct Tally {
  std::size_t trusted = 0, no_challenge = 0, no_verdict = 0;
  std::vector<double> seconds;  // of each whole join that ended with a verdict
  double wall = 0, server_cpu = 0, server_delay = 0, load_cpu = 0, minting = 0;

  double PerSecond() const { return static_cast<double>(trusted) / wall; }
  double PerCpuSecond() const { return static_cast<double>(trusted) / server_cpu; }
  double OfferedPerSecond() const { return static_cast<double>(trusted + no_challenge + no_verdict) / wall; }
};

struct Load {
  std::size_t in_flight = kUsualInFlight;  // at most
  double seconds = 2;
  double offered_per_second = 0;  // 0: every node joins again as soon as it has an answer
  std::size_t chips = kChips;
  bool yielding = false;  // gives way to other threads of this process
};

// Joins begun or ended outside of the measured time are driven but not counted; server and load CPU cover the same time.
template <typename Machine>
Tally Drive(const Served& server, const Joiners& joiners, const std::vector<Machine>& machines, const Load& load) {
  ASSAY_CHECK(load.in_flight <= joiners.size());
  const auto ramp = kRamp + kRampForEach * static_cast<int>(load.in_flight);
  const Steady::time_point begin = Steady::now() + ramp, end = begin + std::chrono::duration_cast<Steady::duration>(Seconds(load.seconds));
  std::atomic<std::size_t> next = 0;
  std::vector<Tally> tallies(load.in_flight);
  Threads threads;
  for (std::size_t i = 0; i < load.in_flight; ++i) {
    threads.Start([&, i] {
      if (load.yielding) ::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), 10);
      Tally& tally = tallies[i];
      const auto interval = std::chrono::duration_cast<Steady::duration>(
          Seconds(load.offered_per_second > 0 ? static_cast<double>(load.in_flight) / load.offered_per_second : 0));
      Steady::time_point due = begin - ramp + interval * static_cast<int>(i) / static_cast<int>(load.in_flight);
      for (;;) {
        if (load.offered_per_second > 0) {
          // Who is late takes the next turn: a server that is slow is not sent a burst afterwards.
          while (due < Steady::now()) due += interval;
          std::this_thread::sleep_until(due);
        }
        const Steady::time_point started = Steady::now();
        if (started >= end) return;
        const double minted = joiners[i]->minting();
        const End how = joiners[i]->Join(machines[next++ % std::min(load.chips, machines.size())]);
        const Steady::time_point ended = Steady::now();
        if (ended < begin || ended >= end) continue;
        tally.minting += joiners[i]->minting() - minted;
        switch (how) {
          case End::kTrusted:
            ++tally.trusted;
            tally.seconds.push_back(Seconds(ended - started).count());
            break;
          case End::kNoChallenge: ++tally.no_challenge; break;
          case End::kNoVerdict: ++tally.no_verdict; break;
        }
      }
    });
  }
  Tally sum;
  std::this_thread::sleep_until(begin);
  const Steady::time_point measured_from = Steady::now();
  sum.server_cpu = -server.CpuSeconds();
  sum.server_delay = -server.DelaySeconds();
  sum.load_cpu = -ProcessSeconds();
  std::this_thread::sleep_until(end);
  sum.server_cpu += server.CpuSeconds();
  sum.server_delay += server.DelaySeconds();
  sum.load_cpu += ProcessSeconds();
  sum.wall = Seconds(Steady::now() - measured_from).count();
  threads.Join();
  for (const Tally& tally : tallies) {
    sum.trusted += tally.trusted;
    sum.no_challenge += tally.no_challenge;
    sum.no_verdict += tally.no_verdict;
    sum.minting += tally.minting;
    sum.seconds.insert(sum.seconds.end(), tally.seconds.begin(), tally.seconds.end());
  }
  if (sum.trusted == 0) Die("no node got a verdict in the time measured: give it more --seconds");
  return sum;
}

// --- the yardstick -------------------------------------------------------------------------------------------------------

// Verifications per CPU-second with every CPU at it, as they all are under load: CPUs may share what makes them fast.
template <typename Machine>
double RawPerCpuSecond(const Cpus& cpus, const Machine& machine, double seconds) {
  std::atomic<std::size_t> verified = 0;
  std::vector<double> spent(cpus.all().size());
  Threads threads;
  const Steady::time_point end = Steady::now() + std::chrono::duration_cast<Steady::duration>(Seconds(seconds));
  for (std::size_t i = 0; i < cpus.all().size(); ++i) {
    threads.Start([&, i] {
      Cpus::Use({cpus.all()[i]});
      RawVerify raw = machine.Yardstick();
      std::size_t count = 0;
      const double begin = ThreadSeconds();
      for (; Steady::now() < end; ++count) {
        if (!raw.Once()) Die("the signature does not verify");
      }
      spent[i] = ThreadSeconds() - begin;
      verified += count;
    });
  }
  threads.Join();
  double sum = 0;
  for (const double one : spent) sum += one;
  return static_cast<double>(verified) / sum;
}

// --- operators -----------------------------------------------------------------------------------------------------------

// One operator who reads a verdict every 10 ms while `load` runs; an empty load is none.
class Operator {
 public:
  Operator(const Assayd& server, std::string verdict_id)
      : client_({.address = server.operators(),
                 .ca_pem = server.site().Text("tls/ca.pem"),
                 .certificate_pem = server.site().Text("tls/viewer.pem"),
                 .key_pem = server.site().Text("tls/viewer.key")}) {
    request_.set_verdict_id(std::move(verdict_id));
    if (const auto first = client_.GetVerdict(request_); !first.ok()) Die(std::string(MessageOf(first.status())));
  }

  struct Seen {
    std::vector<double> seconds;
    std::size_t refused = 0;
  };
  template <typename Work>
  Seen ReadDuring(Work work) {
    Seen seen;
    std::atomic<bool> done = false;
    Threads reading;
    reading.Start([&] {
      std::this_thread::sleep_for(kRamp);
      while (!done) {
        const Steady::time_point begin = Steady::now();
        const auto answer = client_.GetVerdict(request_);
        if (answer.ok()) seen.seconds.push_back(Seconds(Steady::now() - begin).count());
        else if (absl::IsResourceExhausted(answer.status())) ++seen.refused;
        else Die(std::string(MessageOf(answer.status())));
        std::this_thread::sleep_for(kOperatorsPause);
      }
    });
    try {
      work();
    } catch (...) {
      done = true;
      throw;
    }
    done = true;
    reading.Join();
    return seen;
  }

 private:
  client::VerdictClient client_;
  v1::GetVerdictRequest request_;
};

// --- tables --------------------------------------------------------------------------------------------------------------

// What was measured, what is wanted, and whether it was reached; said once more at the end.
class Ratios {
 public:
  void Add(std::string what, double measured, double goal) { rows_.push_back({std::move(what), measured, goal}); }
  void Print() const {
    std::printf("\n%-72s %9s %9s\n", "ratio (medians)", "measured", "goal");
    for (const Row& row : rows_) {
      std::printf("%-72s %9.3f ", row.what.c_str(), row.measured);
      if (row.goal == 0) std::printf("%9s\n", "-");
      else std::printf(">= %6.2f  %s\n", row.goal, row.measured >= row.goal ? "met" : "MISSED");
    }
  }

 private:
  struct Row {
    std::string what;
    double measured, goal;  // goal 0: none
  };
  std::vector<Row> rows_;
};

void PrintHeader(std::string_view title) {
  std::printf("\n%-44s %10s %13s %10s %9s %11s %9s %9s\n", std::string(title).c_str(), "verdicts/s", "/server-CPU-s", "server CPU",
              "delayed", "load us/vd", "p50 ms", "p99 ms");
  std::fflush(stdout);
}
void PrintTally(std::string_view what, Tally& tally) {
  std::printf("%-44s %10.0f %13.0f %9.0f%% %8.0f%% %5.0f (%3.0f) %9.2f %9.2f\n", std::string(what).c_str(), tally.PerSecond(),
              tally.PerCpuSecond(), 100 * tally.server_cpu / tally.wall, 100 * tally.server_delay / tally.wall,
              1e6 * tally.load_cpu / static_cast<double>(tally.trusted), 1e6 * tally.minting / static_cast<double>(tally.trusted),
              Percentile(tally.seconds, 0.5), Percentile(tally.seconds, 0.99));
  std::fflush(stdout);
}

// --- measurements ----------------------------------------------------------------------------------------------------------

struct Scene {
  const Cpus& cpus;
  const std::vector<Chip>& chips;
  double seconds;  // of each measurement
  Ratios& ratios;
};

template <typename Machine>
void MeasureCostOf(const Scene& scene, std::string_view what, std::string_view yardstick, double goal, const Assayd& server,
                   const Joiners& joiners, const Idle& idle, const Joiners& to_idle, const std::vector<Machine>& machines,
                   std::size_t used) {
  std::vector<double> ratios, most, verifying, calling, all;
  for (int turn = 0; turn < kTurns; ++turn) {
    const double before = RawPerCpuSecond(scene.cpus, machines.front(), scene.seconds / 4);
    Tally tally = Drive(server, joiners, machines, {.seconds = scene.seconds, .chips = used});
    const double after = RawPerCpuSecond(scene.cpus, machines.front(), scene.seconds / 4);
    Tally nothing = Drive(idle, to_idle, machines, {.seconds = scene.seconds, .chips = used});
    const double raw = (before + after) / 2;
    verifying.push_back(1e6 / raw);
    calling.push_back(1e6 / nothing.PerCpuSecond());
    all.push_back(1e6 / tally.PerCpuSecond());
    ratios.push_back(verifying.back() / all.back());
    most.push_back(verifying.back() / (verifying.back() + calling.back()));
    PrintTally(Cat(what, ", ", kUsualInFlight, " in flight; raw ", static_cast<int>(raw), " /CPU-s"), tally);
    PrintTally("  the server that does nothing", nothing);
  }
  std::printf("  server CPU of a verdict %.0f us: raw verification %.0f, two calls of gRPC that do nothing %.0f, all else %.0f\n",
              Median(all), Median(verifying), Median(calling), Median(all) - Median(verifying) - Median(calling));
  scene.ratios.Add(Cat("verdicts per server CPU-s / raw ", yardstick, " verifies per CPU-s, ", what), Median(ratios), goal);
  scene.ratios.Add("  the same if gRPC's calls and a raw verification were all there is", Median(most), 0);
}

void MeasureCost(const Scene& scene, const Assayd& server, const Joiners& joiners, const Idle& idle, const Joiners& to_idle) {
  PrintHeader("(a) raw verify and (b) verdicts, durable");
  for (const std::size_t chips : {std::size_t{1}, kChips}) {
    MeasureCostOf(scene, chips == 1 ? "1 chip" : "100 chips", "P-384", 0.75, server, joiners, idle, to_idle, scene.chips, chips);
  }
}

// With Intel's documents in a directory of the server, and nodes that send quotes alone.
void MeasureQuotes(const Scene& scene, const integration::Site& site, const std::string& folder) {
  const auto minted = softtee::MintDcap(softtee::IntelPki::Shared(), {.now = SystemClock().Now()});
  if (!minted.ok()) Die(std::string(MessageOf(minted.status())));
  std::filesystem::create_directories(site.File("collateral"));
  for (const softtee::Endorsement& document : minted->endorsements) site.Write(Cat("collateral/", document.name), AsText(document.der));
  const std::vector<Quoted> machines = {Quoted(*minted->Find(softtee::kQuoteType))};
  const Assayd server(site, scene.cpus, "tdx", folder, 2 * kMostInFlight, Cat("\ncollateral_dir: ", site.File("collateral"), "\n"));
  const Joiners joiners = Connect(server, kUsualInFlight, machines.front());
  joiners.front()->Keep(machines.front());
  const Idle idle(site, scene.cpus);
  const Joiners to_idle = Connect(idle, kUsualInFlight, machines.front());
  PrintHeader("(g) the same of TDX quotes");
  MeasureCostOf(scene, "TDX", "P-256", 0, server, joiners, idle, to_idle, machines, 1);
}

void MeasureDurability(const Scene& scene, const Assayd& durable, const Joiners& to_durable, const Assayd& in_memory,
                       const Joiners& to_memory) {
  PrintHeader("(c) durable and volatile store");
  std::vector<double> by_wall, by_cpu;
  for (int turn = 0; turn < kTurns; ++turn) {
    const Load load{.in_flight = 2 * kUsualInFlight, .seconds = scene.seconds};
    Tally disk = Drive(durable, to_durable, scene.chips, load);
    PrintTally("disk", disk);
    Tally memory = Drive(in_memory, to_memory, scene.chips, load);
    PrintTally("tmpfs", memory);
    by_wall.push_back(disk.PerSecond() / memory.PerSecond());
    by_cpu.push_back(disk.PerCpuSecond() / memory.PerCpuSecond());
  }
  scene.ratios.Add("durable / volatile, verdicts per second", Median(by_wall), 0.85);
  scene.ratios.Add("durable / volatile, verdicts per server CPU-s", Median(by_cpu), 0.85);
}

void MeasureWaiting(const Scene& scene, const Assayd& server, const Joiners& joiners) {
  PrintHeader("(e) the whole join, both calls");
  for (const std::size_t in_flight : {std::size_t{1}, std::size_t{64}, kMostInFlight}) {
    Tally tally = Drive(server, joiners, scene.chips, {.in_flight = in_flight, .seconds = scene.seconds});
    PrintTally(Cat(in_flight, " in flight"), tally);
  }
}

// The peak, in verdicts per second, of a server whose queue is never full.
double MeasureOverload(const Scene& scene, const Assayd& server, const Joiners& joiners) {
  PrintHeader(Cat("(d) overload, queue ", kSmallQueue));
  std::vector<double> peaks, by_wall, by_cpu, offered;
  for (int turn = 0; turn < kTurns; ++turn) {
    Tally peak = Drive(server, joiners, scene.chips, {.seconds = scene.seconds});
    PrintTally(Cat("peak, ", kUsualInFlight, " in flight"), peak);
    Tally over = Drive(server, joiners, scene.chips,
                       {.in_flight = kMostInFlight, .seconds = scene.seconds, .offered_per_second = kOverload * peak.PerSecond()});
    PrintTally(Cat("offered ", static_cast<int>(over.OfferedPerSecond()), "/s"), over);
    std::printf("  RESOURCE_EXHAUSTED: %.0f/s at the challenge, %.0f/s at the evidence\n",
                static_cast<double>(over.no_challenge) / over.wall, static_cast<double>(over.no_verdict) / over.wall);
    peaks.push_back(peak.PerSecond());
    by_wall.push_back(over.PerSecond() / peak.PerSecond());
    by_cpu.push_back(over.PerCpuSecond() / peak.PerCpuSecond());
    offered.push_back(over.OfferedPerSecond() / peak.PerSecond());
  }
  scene.ratios.Add("joins offered / peak, as far as the load generator got", Median(offered), 0);
  scene.ratios.Add("goodput under that / peak, verdicts per second", Median(by_wall), 0.85);
  scene.ratios.Add("goodput under that / peak, verdicts per server CPU-s", Median(by_cpu), 0.85);
  return Median(peaks);
}

void MeasureOperators(const Scene& scene, const Assayd& server, const Joiners& joiners, double peak) {
  std::printf("\n%-44s %10s %10s %10s %10s\n", "(f) GetVerdict every 10 ms", "answered", "refused", "p50 ms", "p99 ms");
  Operator viewer(server, joiners.front()->verdict_id());
  const auto row = [&](std::string_view what, auto work) {
    Operator::Seen seen = viewer.ReadDuring(work);
    const double p50 = Percentile(seen.seconds, 0.5), p99 = Percentile(seen.seconds, 0.99);
    std::printf("%-44s %10zu %10zu %10.2f %10.2f\n", std::string(what).c_str(), seen.seconds.size(), seen.refused, p50, p99);
    std::fflush(stdout);
  };
  row("nobody joins", [&] { std::this_thread::sleep_for(kRamp + std::chrono::duration_cast<Steady::duration>(Seconds(scene.seconds))); });
  row(Cat(kUsualInFlight, " joins in flight"), [&] { Drive(server, joiners, scene.chips, {.seconds = scene.seconds, .yielding = true}); });
  row(Cat("joins at ", static_cast<int>(kOverload), " times the peak, queue ", kSmallQueue), [&] {
    Drive(server, joiners, scene.chips,
          {.in_flight = kMostInFlight, .seconds = scene.seconds, .offered_per_second = kOverload * peak, .yielding = true});
  });
}

// Nodes that bring no certificates, to a vendor that gives one in ten seconds, beside nodes that bring theirs.
void MeasureStorm(const Scene& scene, const integration::Site& site, const std::string& folder) {
  std::filesystem::create_directories(site.File("kds"));
  if (!softtee::MakeDevTls(site.File("kds"), "localhost", SystemClock().Now()).ok()) Die("cannot make the certificate of the fake KDS");
  fakes::Kds kds(softtee::SnpPki::Shared(), [] { return SystemClock().Now(); });
  const fakes::HttpsServer https(site.File("kds"), [&](const std::string& target) { return kds.Answer(target); });
  const Assayd server(
      site, scene.cpus, "storm", folder, 2 * kMostInFlight,
      Cat("\ncollateral: {amd_kds: {url: \"", https.url(), "\", ca: ", site.File("kds/ca.pem"), ", per_minute: 6, burst: 1}}\n"));
  const Joiners joiners = Connect(server, kUsualInFlight, scene.chips.front());
  std::vector<Chip> machines;
  for (std::size_t i = 0; i < kStorm; ++i) machines.emplace_back(kChips + i, SystemClock().Now(), Bytes());
  PrintHeader(Cat("(h) beside ", kStorm, " nodes without certificates"));
  std::vector<double> ratios;
  for (int turn = 0; turn < kTurns; ++turn) {
    Tally alone = Drive(server, joiners, scene.chips, {.seconds = scene.seconds});
    PrintTally(Cat("alone, ", kUsualInFlight, " in flight"), alone);
    std::atomic<bool> over = false;
    std::atomic<std::size_t> attempts = 0;
    Threads storm;
    for (const Chip& machine : machines) {
      storm.Start([&] {
        Joiner node(server);
        while (!over) {
          const Steady::time_point again = Steady::now() + node.Attempt(BareChip{machine});
          ++attempts;
          while (!over && Steady::now() < again) std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
      });
    }
    while (attempts < kStorm / 2) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    Tally beside = Drive(server, joiners, scene.chips, {.seconds = scene.seconds});
    over = true;
    storm.Join();
    PrintTally(Cat("and ", kStorm, " that wait, ", attempts.load(), " attempts"), beside);
    ratios.push_back(beside.PerSecond() / alone.PerSecond());
  }
  std::size_t requests = 0;
  for (const auto& [target, count] : kds.requests()) requests += count;
  std::printf("  requests at the vendor: %zu for %zu documents\n", requests, kds.requests().size());
  scene.ratios.Add(Cat("verdicts per second beside ", kStorm, " nodes without certificates / alone"), Median(ratios), 0.9);
  scene.ratios.Add("documents asked for / requests at the vendor",
                   static_cast<double>(kds.requests().size()) / static_cast<double>(requests), 1);
}

int Main(int argc, char** argv) {
  CLI::App app("What a verdict costs assayd, beside the one signature verification that it cannot do without", "bench_service");
  double seconds = 2, profiled = 0, offered = 0;
  std::string disk = test::BinaryDir(), memory = "/dev/shm";
  app.add_option("--seconds", seconds, "Length of each of about thirty measurements")->check(CLI::Range(0.1, 600.0));
  app.add_option("--disk", disk, "Directory on a disk, for the durable store");
  app.add_option("--memory", memory, "Directory on a tmpfs, for the volatile store");
  std::string idle_in;
  app.add_option("--idle-in", idle_in, "Be the server that does nothing, with the files in this directory")->group("");
  app.add_option("--profile-seconds", profiled, "Only drive joins for so long, for a profiler to look at assayd");
  app.add_option("--profile-offered", offered, "With --profile-seconds: joins per second, on a small queue; default: as many as it takes");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) { return app.exit(error) == 0 ? 0 : 2; }

  if (!idle_in.empty()) return ServeIdly(idle_in);

  rlimit descriptors{};
  ASSAY_CHECK(::getrlimit(RLIMIT_NOFILE, &descriptors) == 0);
  descriptors.rlim_cur = descriptors.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &descriptors);

  const Cpus cpus;
  Cpus::Use(cpus.load());
  const integration::Site site;
  const Folder on_disk(disk), in_memory(memory);
  const bool disk_is_disk = !on_disk.InMemory(), memory_is_memory = in_memory.InMemory();
  const Time now = SystemClock().Now();
  const Bytes crl = softtee::SnpPki::Shared().MintCrl(Chip::kProduct, now);
  std::vector<Chip> chips;
  for (std::size_t i = 0; i < kChips; ++i) chips.emplace_back(i, now, crl);
  AllowChips(site, chips);

  std::printf("assayd on %zu CPU(s) with the default workers, load on %zu%s; durable store in %s%s, volatile store in %s%s\n",
              cpus.server().size(), cpus.load().size(), cpus.shared() ? " (the same)" : "", disk.c_str(),
              disk_is_disk ? "" : " (WHICH IS NO DISK)", memory.c_str(), memory_is_memory ? " (tmpfs)" : " (WHICH IS NO TMPFS)");
  std::printf(
      "delayed: its threads' time of waiting for a CPU, for one another or for other work on this machine. The more of it while its own CPU\n"
      "is not full, the less numbers per second of the clock say; those per CPU-second hold\n");
  std::printf("load us/vd: CPU of the load generator for each verdict, and of that the making of evidence\n");
  std::fflush(stdout);

  Ratios ratios;
  const Scene scene{cpus, chips, seconds, ratios};
  if (profiled > 0) {
    const Assayd server(site, cpus, "profiled", on_disk.path(), kSmallQueue);
    const std::size_t in_flight = offered > 0 ? kMostInFlight : kUsualInFlight;
    PrintHeader("to be profiled");
    Tally tally = Drive(server, Connect(server, in_flight, chips.front()), chips,
                        {.in_flight = in_flight, .seconds = profiled, .offered_per_second = offered});
    PrintTally(Cat(in_flight, " in flight"), tally);
    return 0;
  }
  {
    const Assayd durable(site, cpus, "disk", on_disk.path(), 2 * kMostInFlight);
    const Joiners to_durable = Connect(durable, kMostInFlight, chips.front());
    to_durable.front()->Keep(chips.front());
    {
      const Idle idle(site, cpus);
      MeasureCost(scene, durable, to_durable, idle, Connect(idle, kUsualInFlight, chips.front()));
    }
    {
      const Assayd volatile_(site, cpus, "memory", in_memory.path(), 2 * kMostInFlight);
      MeasureDurability(scene, durable, to_durable, volatile_, Connect(volatile_, 2 * kUsualInFlight, chips.front()));
    }
    MeasureWaiting(scene, durable, to_durable);
  }
  {
    const Assayd small(site, cpus, "small", on_disk.path(), kSmallQueue);
    const Joiners joiners = Connect(small, kMostInFlight, chips.front());
    const double peak = MeasureOverload(scene, small, joiners);
    MeasureOperators(scene, small, joiners, peak);
  }
  MeasureStorm(scene, site, on_disk.path());
  MeasureQuotes(scene, site, on_disk.path());
  ratios.Print();
  if (!disk_is_disk || !memory_is_memory) std::printf("durable / volatile compares nothing: see the first line, --disk and --memory\n");
  return 0;
}

}  // namespace
}  // namespace assay::bench

int main(int argc, char** argv) {
  try {
    return assay::bench::Main(argc, argv);
  } catch (const assay::bench::Failure& failure) {
    std::fprintf(stderr, "bench_service: %s\n", failure.what.c_str());
    return 1;
  }
}
