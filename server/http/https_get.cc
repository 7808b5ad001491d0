#include "http/https_get.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "base/bytes.h"
#include "base/strings.h"

namespace assay::http {
namespace {

// Where clouds answer to whoever is on the machine, with credentials: IPv4 169.254/16 and IPv6 fe80::/10 (RFC 3927, RFC 4291), and
// AWS's fd00:ec2::/32.
bool IsForbidden(ByteView ipv6) {
  static constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  static constexpr std::array<std::uint8_t, 4> kAws = {0xFD, 0x00, 0x0E, 0xC2};
  if (Equal(ipv6.first(kMapped.size()), kMapped)) return ipv6[12] == 169 && ipv6[13] == 254;
  return (ipv6[0] == 0xFE && (ipv6[1] & 0xC0) == 0x80) || Equal(ipv6.first(kAws.size()), kAws);
}

struct Transfer {
  std::string body = {};
  std::size_t most = 0;
  const std::atomic<bool>* stop = nullptr;
  bool too_large = false, forbidden = false;
};

Transfer& TransferOf(void* context) { return *static_cast<Transfer*>(context); }

curl_socket_t OpenSocket(void* context, curlsocktype, curl_sockaddr* address) {
  std::array<std::uint8_t, 16> ip{};
  if (address->family == AF_INET && address->addrlen >= sizeof(sockaddr_in)) {
    sockaddr_in ipv4{};
    std::memcpy(&ipv4, &address->addr, sizeof(ipv4));
    ip[10] = ip[11] = 0xFF;
    std::memcpy(ip.data() + 12, &ipv4.sin_addr, 4);
  } else if (address->family == AF_INET6 && address->addrlen >= sizeof(sockaddr_in6)) {
    sockaddr_in6 ipv6{};
    const void* const bytes = &address->addr;  // curl's buffer is as long as addrlen says
    std::memcpy(&ipv6, bytes, sizeof(ipv6));
    std::memcpy(ip.data(), &ipv6.sin6_addr, 16);
  } else {
    return CURL_SOCKET_BAD;
  }
  if (IsForbidden(ip)) {
    TransferOf(context).forbidden = true;
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

std::size_t Write(char* bytes, std::size_t one, std::size_t count, void* context) {
  Transfer& transfer = TransferOf(context);
  const std::size_t size = one * count;
  if (size > transfer.most - transfer.body.size()) {
    transfer.too_large = true;
    return 0;
  }
  transfer.body.append(bytes, size);
  return size;
}

int Progress(void* context, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const std::atomic<bool>* stop = TransferOf(context).stop;
  return stop != nullptr && *stop ? 1 : 0;
}

struct Cleanup {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};

}  // namespace

absl::StatusOr<std::string> HttpsGet(const std::string& url, const std::string& ca_pem, const GetLimits& limits, const std::atomic<bool>* stop) {
  if (!url.starts_with("https://")) return absl::InvalidArgumentError(ToAbsl(Cat("'", Printable(url, 256), "': expected a URL that begins with https://.")));
  static const bool ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  const std::unique_ptr<CURL, Cleanup> easy(ready ? curl_easy_init() : nullptr);
  if (easy == nullptr) return absl::UnavailableError("libcurl: expected to start, actual: it does not. Check the memory.");

  Transfer transfer{.most = limits.bytes, .stop = stop};
  std::array<char, CURL_ERROR_SIZE> error{};
  bool set = true;
  const auto option = [&](CURLoption name, auto value) { set = set && curl_easy_setopt(easy.get(), name, value) == CURLE_OK; };
  option(CURLOPT_ERRORBUFFER, error.data());
  option(CURLOPT_URL, url.c_str());
  option(CURLOPT_PROTOCOLS_STR, "https");
  option(CURLOPT_FOLLOWLOCATION, 0L);
  option(CURLOPT_PROXY, "");  // whatever the environment says
  option(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  option(CURLOPT_NOSIGNAL, 1L);
  option(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  option(CURLOPT_SSL_VERIFYPEER, 1L);
  option(CURLOPT_SSL_VERIFYHOST, 2L);
  curl_blob ca{const_cast<char*>(ca_pem.data()), ca_pem.size(), CURL_BLOB_COPY};
  if (!ca_pem.empty()) {
    option(CURLOPT_CAINFO_BLOB, &ca);
    option(CURLOPT_CAPATH, static_cast<char*>(nullptr));  // or the system's would do as well
  }
  option(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limits.connect.count()));
  option(CURLOPT_TIMEOUT_MS, static_cast<long>(limits.total.count()));
  option(CURLOPT_WRITEFUNCTION, &Write);
  option(CURLOPT_WRITEDATA, static_cast<void*>(&transfer));
  option(CURLOPT_OPENSOCKETFUNCTION, &OpenSocket);
  option(CURLOPT_OPENSOCKETDATA, static_cast<void*>(&transfer));
  option(CURLOPT_NOPROGRESS, 0L);
  option(CURLOPT_XFERINFOFUNCTION, &Progress);
  option(CURLOPT_XFERINFODATA, static_cast<void*>(&transfer));
  option(CURLOPT_USERAGENT, "assayd/" ASSAY_VERSION);
  const auto unavailable = [&](const std::string& expected, const std::string& actual) {
    return absl::UnavailableError(ToAbsl(Cat("'", Printable(url, 256), "': expected ", expected, ", actual: ", actual)));
  };
  if (!set) return unavailable("libcurl with HTTPS", "one that lacks an option that is needed.");
  const CURLcode code = curl_easy_perform(easy.get());
  if (transfer.forbidden) return unavailable("an address that may be asked", "a link-local one or a cloud's metadata service. Check the URL and what its name resolves to.");
  if (transfer.too_large) return unavailable(Cat("at most ", limits.bytes, " bytes"), "more.");
  if (code != CURLE_OK) return unavailable("an answer", Cat(Printable(error[0] != 0 ? error.data() : curl_easy_strerror(code), 256), ". Check the URL, the CA that vouches for its server, and the network."));
  long status = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status != 200) return unavailable("status 200", Cat(status, ". Redirects are not followed, and nothing logs in."));
  return std::move(transfer.body);
}

}  // namespace assay::http
