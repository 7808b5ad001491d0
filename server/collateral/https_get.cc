#include "collateral/https_get.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "base/absl_bridge.h"
#include "base/bytes.h"
#include "base/strings.h"

namespace assay::collateral {
namespace {

// Where clouds answer to whoever is on the machine, with credentials: IPv4 169.254/16 and IPv6 fe80::/10 (RFC 3927, RFC 4291), and
// AWS's fd00:ec2::/32.
bool IsForbidden(ByteView ipv6) {
  static constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  static constexpr std::array<std::uint8_t, 4> kAws = {0xFD, 0x00, 0x0E, 0xC2};
  if (Equal(ipv6.first(kMapped.size()), kMapped)) return ipv6[12] == 169 && ipv6[13] == 254;
  return (ipv6[0] == 0xFE && (ipv6[1] & 0xC0) == 0x80) || Equal(ipv6.first(kAws.size()), kAws);
}

constexpr std::size_t kMostHeader = std::size_t{64} * 1024;  // of one that is kept

struct Transfer {
  FetchAnswer answer = {};
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
  if (size > transfer.most - transfer.answer.body.size()) {
    transfer.too_large = true;
    return 0;
  }
  transfer.answer.body.append(bytes, size);
  return size;
}

// "Name: value" of whatever answers come: those of a proxy's CONNECT as well, which count as none.
std::size_t Header(char* bytes, std::size_t one, std::size_t count, void* context) {
  Transfer& transfer = TransferOf(context);
  const std::string_view line(bytes, one * count);
  if (line.starts_with("HTTP/")) {
    transfer.answer.chain.clear();
    transfer.answer.retry_after.reset();
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || line.size() > kMostHeader) return line.size();
  std::string name(line.substr(0, colon));
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  std::string_view value = line.substr(colon + 1);
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!value.empty() && blank(value.front())) value.remove_prefix(1);
  while (!value.empty() && blank(value.back())) value.remove_suffix(1);
  if (name.ends_with("-issuer-chain")) transfer.answer.chain = value;
  if (name == "retry-after") transfer.answer.retry_after = std::string(value);
  return line.size();
}

int Progress(void* context, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const std::atomic<bool>* stop = TransferOf(context).stop;
  return stop != nullptr && *stop ? 1 : 0;
}

}  // namespace

struct HttpsClient::Handle {
  Handle() : easy(curl_easy_init()) {}
  ~Handle() { curl_easy_cleanup(easy); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  CURL* const easy;
};

HttpsClient::HttpsClient(std::string ca_pem, std::string proxy) : ca_pem_(std::move(ca_pem)), proxy_(std::move(proxy)) {}
HttpsClient::~HttpsClient() = default;

absl::StatusOr<FetchAnswer> HttpsClient::Get(const std::string& url, const GetLimits& limits, const std::atomic<bool>* stop) {
  if (!url.starts_with("https://")) {
    return absl::InvalidArgumentError(ToAbsl(Cat("'", Printable(url, 256), "': expected a URL that begins with https://.")));
  }
  static const bool ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  if (ready && handle_ == nullptr) handle_ = std::make_unique<Handle>();
  if (!ready || handle_->easy == nullptr) {
    return absl::UnavailableError("libcurl: expected to start, actual: it does not. Check the memory.");
  }
  CURL* const easy = handle_->easy;
  curl_easy_reset(easy);  // options; connections stay

  Transfer transfer{.most = limits.bytes, .stop = stop};
  std::array<char, CURL_ERROR_SIZE> error{};
  bool set = true;
  const auto option = [&](CURLoption name, auto value) { set = set && curl_easy_setopt(easy, name, value) == CURLE_OK; };
  option(CURLOPT_ERRORBUFFER, error.data());
  option(CURLOPT_URL, url.c_str());
  option(CURLOPT_PROTOCOLS_STR, "https");
  option(CURLOPT_FOLLOWLOCATION, 0L);
  option(CURLOPT_PROXY, proxy_.c_str());  // whatever the environment says
  option(CURLOPT_NOPROXY, "");
  option(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  option(CURLOPT_NOSIGNAL, 1L);
  option(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  option(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  option(CURLOPT_SSL_VERIFYPEER, 1L);
  option(CURLOPT_SSL_VERIFYHOST, 2L);
  curl_blob ca{const_cast<char*>(ca_pem_.data()), ca_pem_.size(), CURL_BLOB_COPY};
  if (!ca_pem_.empty()) {
    option(CURLOPT_CAINFO_BLOB, &ca);
    option(CURLOPT_CAPATH, static_cast<char*>(nullptr));  // or the system's would do as well
  }
  option(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limits.connect.count()));
  option(CURLOPT_TIMEOUT_MS, static_cast<long>(limits.total.count()));
  option(CURLOPT_WRITEFUNCTION, &Write);
  option(CURLOPT_WRITEDATA, static_cast<void*>(&transfer));
  option(CURLOPT_HEADERFUNCTION, &Header);
  option(CURLOPT_HEADERDATA, static_cast<void*>(&transfer));
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
  const CURLcode code = curl_easy_perform(easy);
  if (transfer.forbidden) {
    return unavailable("an address that may be asked",
                       "a link-local one or a cloud's metadata service. Check the URL and what its name resolves to.");
  }
  if (transfer.too_large) return unavailable(Cat("at most ", limits.bytes, " bytes"), "more.");
  if (code != CURLE_OK) {
    return unavailable("an answer", Cat(Printable(error[0] != 0 ? error.data() : curl_easy_strerror(code), 256),
                                        ". Check the URL, the CA that vouches for its server, and the network."));
  }
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  transfer.answer.status = static_cast<int>(status);
  return std::move(transfer.answer);
}

absl::StatusOr<std::string> HttpsGet(const std::string& url, const std::string& ca_pem, const GetLimits& limits,
                                     const std::atomic<bool>* stop) {
  auto answer = HttpsClient(ca_pem).Get(url, limits, stop);
  if (!answer.ok()) return answer.status();
  if (answer->status != 200) {
    return absl::UnavailableError(ToAbsl(Cat("'", Printable(url, 256), "': expected status 200, actual: ", answer->status,
                                             ". Redirects are not followed, and nothing logs in.")));
  }
  return std::move(answer->body);
}

HttpsTransport::HttpsTransport(const UpstreamConfigs& configs) : configs_(configs) {
  for (const Upstream upstream : kAllUpstreams) {
    if (const auto& config = configs_.Of(upstream)) {
      clients_[static_cast<std::size_t>(upstream)] = std::make_unique<HttpsClient>(config->ca_pem, configs_.proxy);
    }
  }
}

absl::StatusOr<FetchAnswer> HttpsTransport::Get(Upstream upstream, const FetchRequest& request, const std::atomic<bool>& stop) {
  const auto& config = configs_.Of(upstream);
  if (!config || !request.url.starts_with(Cat(config->base_url, "/"))) {
    return absl::InvalidArgumentError(
        ToAbsl(Cat("'", Printable(request.url), "': expected a URL below that of the upstream ", NameOf(upstream), ".")));
  }
  const GetLimits limits{.bytes = request.most_bytes,
                         .connect = std::min<std::chrono::milliseconds>(config->deadline, std::chrono::seconds(5)),
                         .total = config->deadline};
  return clients_[static_cast<std::size_t>(upstream)]->Get(request.url, limits, &stop);
}

}  // namespace assay::collateral
