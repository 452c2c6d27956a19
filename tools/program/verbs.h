// The verbs of the program. Each function adds one verb, with its options, to the verb above it and to
// `verbs`.
#pragma once

#include "tools/program/common.h"

namespace shcnn::program {

void add_data(OptionSet& app, Common& common, Verbs& verbs);
void add_data_lint(OptionSet& data, Common& common, Verbs& verbs);
void add_data_synth(OptionSet& data, Common& common, Verbs& verbs);
void add_data_synth_clips(OptionSet& synth, Common& common, Verbs& verbs);
void add_data_convert(OptionSet& data, Common& common, Verbs& verbs);
void add_train(OptionSet& app, Common& common, Verbs& verbs);
void add_eval(OptionSet& app, Common& common, Verbs& verbs);
void add_predict(OptionSet& app, Common& common, Verbs& verbs);
void add_saliency(OptionSet& app, Common& common, Verbs& verbs);
void add_attack(OptionSet& app, Common& common, Verbs& verbs);
void add_reproduce(OptionSet& app, Common& common, Verbs& verbs);
void add_flow(OptionSet& app, Common& common, Verbs& verbs);
void add_report(OptionSet& app, Common& common, Verbs& verbs);
void add_loso(OptionSet& app, Common& common, Verbs& verbs);
void add_doctor(OptionSet& app, Common& common, Verbs& verbs);

}  // namespace shcnn::program
