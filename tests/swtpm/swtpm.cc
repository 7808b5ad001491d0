#include "tests/swtpm/swtpm.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <tss2/tss2_esys.h>
#include <tss2/tss2_tctildr.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <vector>

#include "base/bug.h"
#include "base/strings.h"

namespace assay::test {
namespace {

namespace fs = std::filesystem;

void Write(const fs::path& file, const std::string& text) {
  std::ofstream stream(file);
  stream << text;
  ASSAY_CHECK(stream.flush().good());
}

// A socket that takes connections before the program behind it runs: nobody has to wait for it.
int Listen(const fs::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  ASSAY_CHECK(path.native().size() < sizeof address.sun_path);
  std::strcpy(address.sun_path, path.c_str());
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);  // inherited on purpose
  ASSAY_CHECK(socket >= 0 && ::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 && ::listen(socket, 8) == 0);
  return socket;
}

int Run(const std::string& command) {
  const int status = std::system(command.c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

bool HasSwtpm() {
  return Run("command -v swtpm >/dev/null 2>&1 && command -v swtpm_setup >/dev/null 2>&1 && command -v swtpm_ioctl >/dev/null 2>&1") == 0;
}

Swtpm::Swtpm(Certificates certificates) {
  std::string pattern = (fs::temp_directory_path() / "assay-swtpm-XXXXXX").string();
  ASSAY_CHECK(::mkdtemp(pattern.data()) != nullptr);
  directory_ = pattern;
  fs::create_directory(directory_ / "state");
  fs::create_directory(directory_ / "ca");
  const std::string ca = (directory_ / "ca").string();
  Write(directory_ / "ca.conf", Cat("statedir = ", ca, "\nsigningkey = ", ca, "/signkey.pem\nissuercert = ", ca,
                                    "/issuercert.pem\ncertserial = ", ca, "/certserial\n"));
  Write(directory_ / "ca.options", "--platform-manufacturer Assay\n--platform-version 1.0\n--platform-model tests\n");
  Write(directory_ / "setup.conf",
        Cat("create_certs_tool = /usr/bin/swtpm_localca\ncreate_certs_tool_config = ", (directory_ / "ca.conf").string(),
            "\ncreate_certs_tool_options = ", (directory_ / "ca.options").string(), "\nactive_pcr_banks = sha1,sha256,sha384\n"));
  const std::string log = (directory_ / "setup.log").string();
  const int made =
      Run(Cat("swtpm_setup --tpm2 --tpmstate '", (directory_ / "state").string(), "' --config '", (directory_ / "setup.conf").string(),
              "' --logfile '", log, "'", certificates == Certificates::kYes ? " --create-ek-cert --lock-nvram" : "",
              " --pcr-banks sha1,sha256,sha384 >/dev/null 2>&1"));
  if (made != 0) std::fprintf(stderr, "swtpm_setup: ended with %d: %s\n", made, std::string(AsText(ReadFile(log))).c_str());
  ASSAY_CHECK(made == 0);

  const int server = Listen(directory_ / "tpm"), control = Listen(directory_ / "tpm.ctrl");
  const std::string server_option = Cat("type=unixio,fd=", server), control_option = Cat("type=unixio,fd=", control),
                    state = Cat("dir=", (directory_ / "state").string());
  const std::vector<std::string> arguments = {"swtpm",
                                              "socket",
                                              "--tpm2",
                                              "--tpmstate",
                                              state,
                                              "--server",
                                              server_option,
                                              "--ctrl",
                                              control_option,
                                              "--flags",
                                              "not-need-init,startup-clear"};
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const int quiet = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  process_ = ::fork();
  if (process_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(quiet, STDERR_FILENO);
    ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  ASSAY_CHECK(process_ > 0);
  ::close(quiet);
  ::close(server);
  ::close(control);
}

Swtpm::~Swtpm() {
  Kill();
  fs::remove_all(directory_);
}

void Swtpm::Kill() {
  if (process_ == 0) return;
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
  process_ = 0;
}

std::string Swtpm::tcti() const { return Cat("swtpm:path=", (directory_ / "tpm").string()); }
Bytes Swtpm::IssuerCertificate() const { return ReadFile(directory_ / "ca/issuercert.pem"); }
Bytes Swtpm::RootCertificate() const { return ReadFile(directory_ / "ca/swtpm-localca-rootca-cert.pem"); }

void Swtpm::PowerCycle() { ASSAY_CHECK(Run(Cat("swtpm_ioctl --unix '", (directory_ / "tpm.ctrl").string(), "' -i >/dev/null 2>&1")) == 0); }

void Swtpm::Startup(Start how) {
  TSS2_TCTI_CONTEXT* transport = nullptr;
  ASSAY_CHECK(::Tss2_TctiLdr_Initialize(tcti().c_str(), &transport) == TSS2_RC_SUCCESS);
  ESYS_CONTEXT* esys = nullptr;
  ASSAY_CHECK(::Esys_Initialize(&esys, transport, nullptr) == TSS2_RC_SUCCESS);
  ASSAY_CHECK(::Esys_Startup(esys, how == Start::kState ? TPM2_SU_STATE : TPM2_SU_CLEAR) == TSS2_RC_SUCCESS);
  ::Esys_Finalize(&esys);
  ::Tss2_TctiLdr_Finalize(&transport);
}

}  // namespace assay::test
