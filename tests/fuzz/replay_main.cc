// Fuzz targets as ordinary tests: fuzz_replay_<name> NAME DIR
//
// Runs every file of DIR and every minted seed, then mutations of them: always the same ones, from a generator with a
// fixed seed, until kExecutions or kTimeLimit is reached, whichever comes first. Prints one line with the counts. A
// target that finds something aborts; the input that did it is then named on stderr; a mutation is written to
// crash-NAME.
#include <unistd.h>
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>

#include "tests/fuzz/fuzzer.h"

namespace assay::fuzz {
namespace {

constexpr std::size_t kExecutions = 4000;
constexpr std::chrono::milliseconds kTimeLimit{1000};
constexpr std::size_t kLongest = std::size_t{1} << 16;  // of a mutated input

class Mutator {
 public:
  explicit Mutator(const std::vector<Bytes>& seeds) : seeds_(seeds) {}

  Bytes Next() {
    Bytes input = AnySeed();
    for (std::size_t steps = 1 + Below(4); steps > 0; --steps) Change(input);
    if (input.size() > kLongest) input.resize(kLongest);
    return input;
  }

 private:
  // Not a std:: distribution: their results differ between standard libraries. The bias of % matters to nobody here.
  std::size_t Below(std::size_t bound) { return bound == 0 ? 0 : static_cast<std::size_t>(generator_() % bound); }
  std::uint8_t AnyByte() { return static_cast<std::uint8_t>(generator_()); }
  const Bytes& AnySeed() { return seeds_[Below(seeds_.size())]; }
  static auto At(auto& bytes, std::size_t i) { return bytes.begin() + static_cast<std::ptrdiff_t>(i); }

  void Change(Bytes& input) {
    // Bytes that mean something to some format: delimiters, signs, ends of ranges.
    static constexpr std::string_view kTelling = "{}[]\"':,-=%&*!|>#?\\\n\r\t 0eE.<~\xff\x7f\x80\xc0\xed\xf4\x01";
    const std::size_t at = Below(input.size());
    switch (Below(8)) {
      case 0:
        if (!input.empty()) input[at] = static_cast<std::uint8_t>(input[at] ^ 1U << Below(8));
        break;
      case 1:
        if (!input.empty()) input[at] = AnyByte();
        break;
      case 2: input.resize(at); break;
      case 3: {  // leave a range out
        const std::size_t end = at + Below(std::min<std::size_t>(input.size() - at + 1, 64));
        input.erase(At(input, at), At(input, end));
        break;
      }
      case 4: input.insert(At(input, at), static_cast<std::uint8_t>(kTelling[Below(kTelling.size())])); break;
      case 5: {  // head of this, tail of another
        const Bytes& other = AnySeed();
        input.resize(at);
        input.insert(input.end(), At(other, Below(other.size())), other.end());
        break;
      }
      case 6: {  // a piece of another in the middle
        const Bytes& other = AnySeed();
        const std::size_t begin = Below(other.size());
        const std::size_t length = Below(other.size() - begin + 1);
        input.insert(At(input, at), At(other, begin), At(other, begin + length));
        break;
      }
      default: {  // the same range again and again: depth, duplicates
        const std::size_t length = std::min<std::size_t>(input.size() - at, 1 + Below(16));
        const Bytes piece(At(input, at), At(input, at + length));
        for (std::size_t times = 1 + Below(40); times > 0; --times) input.insert(At(input, at), piece.begin(), piece.end());
        break;
      }
    }
  }

  const std::vector<Bytes>& seeds_;
  std::mt19937_64 generator_{0x61737361792d3031};
};

// What is running, for the signal handler: a file's name, or bytes to be written out.
const char* current_file = nullptr;
const Bytes* current_mutation = nullptr;
std::string crash_path;  // filled before anything runs

void Say(std::string_view text) {
  if (write(STDERR_FILENO, text.data(), text.size()) < 0) return;
}

extern "C" void NameInput(int signal) {
  std::signal(signal, SIG_DFL);
  Say("fuzz: failing input: ");
  if (current_mutation != nullptr) {
    if (std::FILE* file = std::fopen(crash_path.c_str(), "wb")) {
      std::fwrite(current_mutation->data(), 1, current_mutation->size(), file);
      std::fclose(file);
    }
    Say(crash_path);
  } else if (current_file != nullptr) {
    Say(current_file);
  }
  Say("\n");
  std::raise(signal);
}

// A copy of exactly the input's size, so that a sanitiser sees each read beyond its end.
void Run(const Bytes& input) {
  const Bytes exact(input.begin(), input.end());
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

Bytes ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

int WriteSeeds(const std::filesystem::path& directory) {
  std::filesystem::create_directories(directory);
  std::size_t number = 0;
  for (const Bytes& seed : MintedSeeds()) {
    std::ofstream file(directory / ("minted-" + std::to_string(number++)), std::ios::binary);
    file.write(AsText(seed).data(), static_cast<std::streamsize>(seed.size()));
    if (!file.flush()) return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}

int Replay(const std::string& name, const std::filesystem::path& directory) {
  crash_path = "crash-" + name;
  std::signal(SIGABRT, NameInput);
  std::signal(SIGSEGV, NameInput);

  std::vector<std::filesystem::path> files;
  if (std::filesystem::is_directory(directory)) {
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  std::vector<Bytes> seeds;
  for (const auto& file : files) {
    current_file = file.c_str();
    seeds.push_back(ReadFile(file));
    Run(seeds.back());
  }
  current_file = "a minted seed";
  for (Bytes& seed : MintedSeeds()) {
    Run(seed);
    seeds.push_back(std::move(seed));
  }
  if (seeds.empty()) {
    std::fprintf(stderr, "fuzz %s: no seeds in %s\n", name.c_str(), directory.c_str());
    return EXIT_FAILURE;
  }
  current_file = "no bytes";
  Run({});

  Mutator mutator(seeds);
  std::size_t executions = seeds.size() + 1;
  const auto end = std::chrono::steady_clock::now() + kTimeLimit;
  for (; executions < kExecutions && std::chrono::steady_clock::now() < end; ++executions) {
    const Bytes input = mutator.Next();
    current_mutation = &input;
    Run(input);
    current_mutation = nullptr;
  }
  std::printf("fuzz %s: %zu inputs, %zu executions\n", name.c_str(), seeds.size(), executions);
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace assay::fuzz

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s NAME CORPUS-DIR | --write-seeds DIR\n", argv[0]);
    return 2;
  }
  if (std::string_view(argv[1]) == "--write-seeds") return assay::fuzz::WriteSeeds(argv[2]);
  return assay::fuzz::Replay(argv[1], argv[2]);
}
