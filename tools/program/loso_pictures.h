// What a cross-validation looks like: the confusion matrix, the training curves of every fold (the paper's Fig. 9), and
// flow images beside the frames they were made of.
#pragma once

#include <string>
#include <vector>

#include "engine/crossval/clip_images.h"
#include "engine/crossval/loso_fold.h"
#include "engine/crossval/loso_plan.h"
#include "engine/net/metrics.h"
#include "io/clips/clip_set.h"

namespace shcnn::program {

/// A PNG: rows are the true class, cells are shaded by share of their row and hold count and share.
void write_confusion_picture(const std::string& path, const Confusion& confusion,
                             const std::vector<std::string>& class_names, const std::string& title,
                             const std::string& subtitle);

/// A PNG of two panels over epochs: accuracy on training images, and on the left-out clips; one line a fold, the mean
/// bold.
void write_curves_picture(const std::string& path, const LosoPlan& plan, const std::vector<FoldResult>& folds);

/// A PNG: for one clip of each class its first and its apex frame, and up to five of its flow images from onset to
/// offset, with the key of `colors`.
void write_flow_picture(const std::string& path, const io::ClipSet& clips, ClipImageStore& images,
                        flow::FlowColors colors);

}  // namespace shcnn::program
