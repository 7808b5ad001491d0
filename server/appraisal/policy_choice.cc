#include "appraisal/appraiser.h"
#include "base/strings.h"

namespace assay::appraisal {

PolicyChoice PolicyChoice::ForContext(const PolicyBook& book, std::string_view cluster, std::string_view role) {
  PolicyChoice choice;
  choice.book_ = &book;
  choice.set_ = book.FindSet(cluster, role);
  choice.context_ = Cat("cluster '", Printable(cluster, 64), "', role '", Printable(role, 64), "'");
  return choice;
}

PolicyChoice PolicyChoice::ForPolicy(const PolicyBook& book, const Policy& policy) {
  PolicyChoice choice;
  choice.book_ = &book;
  choice.single_ = &policy;
  return choice;
}

const Policy* PolicyChoice::PolicyFor(std::string_view platform) const {
  if (set_ != nullptr) return book_->FindPolicy(*set_, platform);
  return single_ != nullptr && single_->platform == platform ? single_ : nullptr;
}

std::string PolicyChoice::Label() const {
  if (set_ != nullptr) return Cat("set '", set_->name, "'");
  return single_ != nullptr ? Cat("policy '", single_->name, "'") : context_;
}

}  // namespace assay::appraisal
