// assayd: the composition root. Clock, randomness and files are made here and handed down.
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include "base/absl_bridge.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/strings.h"
#include "registry/builtin_registry.h"
#include "result/key_ring.h"
#include "service/config_file.h"
#include "service/server.h"
#include "store/database_care.h"
#include "telemetry/log.h"

namespace assay {
namespace {

// Exit codes, as docs/cli.md lists them.
enum ExitCode : int { kOk = 0, kInternal = 1, kUsage = 2, kLintFailed = 7 };

constexpr std::chrono::seconds kDrainBound{10};

struct Options {
  std::string config;
  std::string insecure_test_anchors;
  std::string ready_file;
};

void Say(std::string_view text) { std::cerr << "assayd: " << text << '\n'; }

void SayLines(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    Say(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

// Written beside its place and moved there, so that who waits for it never reads half.
bool WriteReadyFile(const std::string& path, const service::Server& server) {
  const std::string temporary = path + ".new";
  {
    std::ofstream file(temporary, std::ios::trunc);
    file << "join=" << server.join_address() << "\noperator=" << server.operator_address() << '\n';
    if (!server.http_address().empty()) file << "http=" << server.http_address() << '\n';
    if (!server.https_address().empty()) file << "https=" << server.https_address() << '\n';
    if (!file.flush()) return false;
  }
  std::error_code error;
  std::filesystem::rename(temporary, path, error);
  return !error;
}

// The parsed configuration, or the exit code after saying what is wrong.
std::variant<v1::ServerConfig, int> LoadOrExplain(const std::string& path) {
  absl::StatusOr<service::ConfigResult> loaded = service::LoadConfigFile(path);
  if (!loaded.ok()) {
    Say(MessageOf(loaded.status()));
    return kUsage;
  }
  for (const std::string& message : loaded->messages) Say(message);
  if (!loaded->config) return kLintFailed;
  return *std::move(loaded->config);
}

int Run(const Options& options) {
  // Before any thread exists, so that every thread has them blocked and only sigwait sees them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  // Connections are what descriptors are needed for; whoever wants fewer sets the hard limit.
  rlimit descriptors{};
  if (::getrlimit(RLIMIT_NOFILE, &descriptors) == 0) {
    descriptors.rlim_cur = descriptors.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &descriptors);
  }

  auto config = LoadOrExplain(options.config);
  if (const int* code = std::get_if<int>(&config)) return *code;
  SystemClock clock;
  SystemRandom random;
  telemetry::Log log(std::cerr, clock);
  const auto server = service::Server::Start(
      {std::get<v1::ServerConfig>(std::move(config)), options.insecure_test_anchors, BuiltinRegistry(), clock, random, log});
  if (!server.ok()) {
    SayLines(MessageOf(server.status()));
    return absl::IsInvalidArgument(server.status()) ? kLintFailed : kInternal;
  }
  if (!options.ready_file.empty() && !WriteReadyFile(options.ready_file, **server)) {
    Say(Cat("--ready-file '", options.ready_file, "': expected a place that can be written, actual: it can't. Check the directory."));
    return kUsage;
  }
  int received = 0;
  sigwait(&signals, &received);
  log.Info("draining", {{"signal", received}});
  (*server)->Shutdown(kDrainBound);
  log.Info("stopped");
  return kOk;
}

int CheckConfig(const Options& options) {
  auto config = LoadOrExplain(options.config);
  if (const int* code = std::get_if<int>(&config)) return *code;
  SystemClock clock;
  SystemRandom random;
  telemetry::Log log(std::cerr, clock, telemetry::LogLevel::kError);
  const service::InputCheck check = service::CheckInputs(
      {std::get<v1::ServerConfig>(std::move(config)), options.insecure_test_anchors, BuiltinRegistry(), clock, random, log});
  for (const std::string& defect : check.defects) Say(defect);
  if (!check.defects.empty()) return kLintFailed;
  for (const std::string& notice : check.notices) Say(notice);
  std::cout << options.config << ": good\n";
  return kOk;
}

int PrintKeys(const Options& options) {
  auto config = LoadOrExplain(options.config);
  if (const int* code = std::get_if<int>(&config)) return *code;
  const auto keys = service::OpenTokenKeys(std::get<v1::ServerConfig>(config), !options.insecure_test_anchors.empty(), SystemClock().Now());
  if (!keys.ok()) {
    SayLines(MessageOf(keys.status()));
    return absl::IsInvalidArgument(keys.status()) ? kLintFailed : kInternal;
  }
  std::cout << (*keys)->Jwks() << '\n';
  return kOk;
}

struct KeyOptions {
  std::string kid;
  bool force = false;
};

// `change` is given the ring; afterwards it is shown as it is then.
template <typename Change>
int WithKeys(const Options& options, const Change& change) {
  auto config = LoadOrExplain(options.config);
  if (const int* code = std::get_if<int>(&config)) return *code;
  const Time now = SystemClock().Now();
  auto keys = service::OpenTokenKeys(std::get<v1::ServerConfig>(config), !options.insecure_test_anchors.empty(), now);
  const absl::Status done = keys.ok() ? change(**keys, now) : keys.status();
  if (!done.ok()) {
    SayLines(MessageOf(done));
    return absl::IsUnavailable(done) ? kInternal : absl::IsInvalidArgument(done) ? kLintFailed : kUsage;
  }
  for (const result::RingNotice& notice : (*keys)->Notices()) Say(Cat(notice.message, " ", notice.file));
  for (const result::RingEntry& entry : (*keys)->Entries()) {
    std::cout << entry.kid << "  " << result::NameOf(entry.state) << "  created " << FormatTime(entry.created);
    if (entry.activated) std::cout << "  activated " << FormatTime(*entry.activated);
    if (entry.retires_after) std::cout << "  retires after " << FormatTime(*entry.retires_after);
    std::cout << '\n';
  }
  return kOk;
}

struct DatabaseOptions {
  std::string config, file;
};

// Which database the configuration names, or the exit code after saying what is wrong.
std::variant<std::string, int> DatabaseOf(const std::string& config_file) {
  auto config = LoadOrExplain(config_file);
  if (const int* code = std::get_if<int>(&config)) return *code;
  return std::get<v1::ServerConfig>(config).store().path();
}

int Explain(const absl::Status& status) {
  SayLines(MessageOf(status));
  if (absl::IsInvalidArgument(status) || absl::IsFailedPrecondition(status)) return kUsage;
  return absl::IsDataLoss(status) ? kLintFailed : kInternal;
}

// Only for somebody who watches.
store::Progress ProgressOn(std::string_view what) {
  if (::isatty(STDERR_FILENO) == 0) return {};
  return [what](std::int64_t done, std::int64_t of) {
    std::cerr << "assayd: " << what << " " << done << " of " << of << (done >= of ? "\n" : "\r") << std::flush;
  };
}

int BackUp(const DatabaseOptions& options) {
  const auto path = DatabaseOf(options.config);
  if (const int* code = std::get_if<int>(&path)) return *code;
  if (const absl::Status done = store::BackUpDatabase(std::get<std::string>(path), options.file, ProgressOn("pages")); !done.ok()) {
    return Explain(done);
  }
  std::cout << options.file << ": a checked backup of " << std::get<std::string>(path) << '\n';
  return kOk;
}

int Restore(const DatabaseOptions& options) {
  const auto path = DatabaseOf(options.config);
  if (const int* code = std::get_if<int>(&path)) return *code;
  const auto restored = store::RestoreDatabase(std::get<std::string>(path), options.file, SystemClock().Now(), ProgressOn("pages"));
  if (!restored.ok()) return Explain(restored.status());
  std::cout << std::get<std::string>(path) << ": restored from " << options.file << '\n';
  if (!restored->replaced) {
    std::cout << "there was no database before: what happened since the backup, bans and revocations too, is not known any more\n";
    return kOk;
  }
  std::vector<std::string> kept;
  for (const auto& [what, count] : restored->carried) kept.push_back(Cat(what, " ", count));
  std::cout << "what was there before has .before-restore behind its name\n";
  if (!kept.empty()) std::cout << "kept from it, where newer: " << Join(kept, ", ") << '\n';
  if (!restored->lost.empty()) std::cout << "NOT kept, because it can't be read there: " << Join(restored->lost, ", ") << '\n';
  std::cout
      << "not kept, if since the backup: verdicts, nodes and the names they hold, new enrolments, lifts of bans, releases, flips, events\n";
  return kOk;
}

int Check(const DatabaseOptions& options) {
  const auto path = DatabaseOf(options.config);
  if (const int* code = std::get_if<int>(&path)) return *code;
  const auto defects = store::CheckDatabase(std::get<std::string>(path), ProgressOn("records"));
  if (!defects.ok()) return Explain(defects.status());
  for (const std::string& defect : *defects) Say(defect);
  if (!defects->empty()) return kLintFailed;
  std::cout << std::get<std::string>(path) << ": sound\n";
  return kOk;
}

int Compact(const DatabaseOptions& options) {
  const auto path = DatabaseOf(options.config);
  if (const int* code = std::get_if<int>(&path)) return *code;
  const auto done = store::CompactDatabase(std::get<std::string>(path));
  if (!done.ok()) return Explain(done.status());
  std::cout << std::get<std::string>(path) << ": " << done->before << " bytes before, " << done->after << " now\n";
  return kOk;
}

int Main(int argc, char** argv) {
  CLI::App app("Assay: remote-attestation verifier for confidential VMs", "assayd");
  app.require_subcommand(1);
  Options options;
  const std::string anchors_help =
      "Replace the vendors' roots by those of the software TEE: every verdict is marked as simulated and admits nobody";
  CLI::App* run = app.add_subcommand("run", "Serve until SIGTERM or SIGINT");
  run->add_option("--config", options.config, "Configuration file; `assayd config print-default` shows one")->required();
  run->add_option("--insecure-test-anchors", options.insecure_test_anchors, anchors_help);
  run->add_option("--ready-file", options.ready_file, "Written when the listeners are up: join=HOST:PORT, operator=HOST:PORT");
  CLI::App* config = app.add_subcommand("config", "Configuration files");
  config->require_subcommand(1);
  CLI::App* check = config->add_subcommand("check", "Show everything that `run` would refuse to start for");
  check->add_option("FILE", options.config)->required();
  check->add_option("--insecure-test-anchors", options.insecure_test_anchors, anchors_help);
  CLI::App* print_default = config->add_subcommand("print-default", "A complete, commented configuration");
  CLI::App* jwks = app.add_subcommand("jwks", "The keys that tokens are signed with, as relying parties need them: a JWK set");
  jwks->add_option("--config", options.config)->required();
  jwks->add_option("--insecure-test-anchors", options.insecure_test_anchors, "The keys of a process that runs with them");
  CLI::App* keys =
      app.add_subcommand("keys", "The keys that sign tokens, one after another; a running server takes changes up within seconds");
  keys->require_subcommand(1);
  KeyOptions key;
  const auto add_keys = [&](const char* name, const char* meaning) {
    CLI::App* command = keys->add_subcommand(name, meaning);
    command->add_option("--config", options.config)->required();
    command->add_option("--insecure-test-anchors", options.insecure_test_anchors, "The keys of a process that runs with them");
    return command;
  };
  CLI::App* keys_list = add_keys("list", "Which keys there are, and what each is for");
  CLI::App* keys_prepare = add_keys("prepare", "Make the next key: published from now on, signing later");
  CLI::App* keys_activate = add_keys("activate", "Let the prepared key sign; the former stays published while its tokens live");
  CLI::App* keys_retire = add_keys("retire", "Publish a former key no more, and remove it");
  for (CLI::App* command : {keys_activate, keys_retire}) {
    command->add_option("KID", key.kid)->required();
    command->add_flag("--force", key.force, "Now, although relying parties may still refuse, or hold, its tokens");
  }
  CLI::App* database = app.add_subcommand("db", "The database; all but restore work while a server runs");
  database->require_subcommand(1);
  DatabaseOptions care;
  const auto add_care = [&](const char* name, const char* meaning) {
    CLI::App* command = database->add_subcommand(name, meaning);
    command->add_option("--config", care.config, "Configuration file that names the database")->required();
    return command;
  };
  CLI::App* backup = add_care("backup", "Copy it, as it is at one moment, and check the copy");
  backup->add_option("--to", care.file, "File to make")->required();
  CLI::App* restore = add_care("restore", "Put a checked backup in its place; the server must not run");
  restore->add_option("--from", care.file, "Backup")->required();
  CLI::App* care_check = add_care("check", "Read every record and recompute every digest");
  CLI::App* compact = add_care("compact", "Give the space of what was forgotten back");
  CLI::App* version = app.add_subcommand("version", "Version of this program");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) { return app.exit(error) == 0 ? kOk : kUsage; }
  if (run->parsed()) return Run(options);
  if (check->parsed()) return CheckConfig(options);
  if (keys_list->parsed()) return WithKeys(options, [](result::KeyRing&, Time) { return absl::OkStatus(); });
  if (keys_prepare->parsed()) return WithKeys(options, [](result::KeyRing& ring, Time now) { return ring.Prepare(now).status(); });
  if (keys_activate->parsed()) {
    return WithKeys(options, [&](result::KeyRing& ring, Time now) { return ring.Activate(key.kid, now, key.force); });
  }
  if (keys_retire->parsed()) {
    return WithKeys(options, [&](result::KeyRing& ring, Time now) { return ring.Retire(key.kid, now, key.force); });
  }
  if (backup->parsed()) return BackUp(care);
  if (restore->parsed()) return Restore(care);
  if (care_check->parsed()) return Check(care);
  if (compact->parsed()) return Compact(care);
  if (jwks->parsed()) {
    if (const int code = PrintKeys(options); code != kOk) return code;
  }
  if (print_default->parsed()) std::cout << service::DefaultConfigYaml();
  if (version->parsed()) std::cout << "assayd " << ASSAY_VERSION << '\n';
  return std::cout.flush() ? kOk : kInternal;
}

}  // namespace
}  // namespace assay

int main(int argc, char** argv) { return assay::Main(argc, argv); }
