// The verbs of the program: each function adds one to `app`, with its options and what it does.
#pragma once

#include "tools/program/common.h"

namespace shcnn::program {

void add_data(CLI::App& app, Common& common, Verbs& verbs);
void add_data_lint(CLI::App& data, Common& common, Verbs& verbs);
void add_data_synth(CLI::App& data, Common& common, Verbs& verbs);
void add_data_synth_clips(CLI::App& synth, Common& common, Verbs& verbs);
void add_data_convert(CLI::App& data, Common& common, Verbs& verbs);
void add_train(CLI::App& app, Common& common, Verbs& verbs);
void add_eval(CLI::App& app, Common& common, Verbs& verbs);
void add_predict(CLI::App& app, Common& common, Verbs& verbs);
void add_saliency(CLI::App& app, Common& common, Verbs& verbs);
void add_attack(CLI::App& app, Common& common, Verbs& verbs);
void add_reproduce(CLI::App& app, Common& common, Verbs& verbs);
void add_flow(CLI::App& app, Common& common, Verbs& verbs);
void add_report(CLI::App& app, Common& common, Verbs& verbs);
void add_loso(CLI::App& app, Common& common, Verbs& verbs);
void add_doctor(CLI::App& app, Common& common, Verbs& verbs);

}  // namespace shcnn::program
