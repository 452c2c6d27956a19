// shcnn reproduce: the paper's tables and figures, with the paper's numbers beside ours.
#include "tools/program/reproduce.h"

#include "tools/program/verbs.h"

namespace shcnn::program {
namespace {

constexpr void (*kReproductions[])(OptionSet&, Common&, Verbs&) = {add_table1, add_table2, add_fig13, add_fig14,
                                                                   add_loso_tables};

}  // namespace

void add_reproduce(OptionSet& app, Common& common, Verbs& verbs) {
  OptionSet& verb = app.add_verb("reproduce", "Prints the paper's tables and figures beside what shcnn computes.",
                                 {"shcnn reproduce table2", "shcnn reproduce table7 --data CASME2 --out DIR",
                                  "shcnn reproduce fig13 --weights FILE --out DIR"});
  verb.require_verb();
  for (const auto add : kReproductions) add(verb, common, verbs);
}

}  // namespace shcnn::program
