// Pictures of a cross-validation: the confusion matrix, the training curves of every fold (the paper's Fig. 9), and
// flow images beside the frames that they were computed from.
#pragma once

#include <string>
#include <vector>

#include "engine/crossval/clip_images.h"
#include "engine/crossval/loso_fold.h"
#include "engine/crossval/loso_plan.h"
#include "engine/net/metrics.h"
#include "io/clips/clip_set.h"

namespace shcnn::program {

/// Writes the confusion matrix as PNG: rows are true classes; cells show count and share of the row, and are shaded by
/// the share.
void write_confusion_picture(const std::string& path, const Confusion& confusion,
                             const std::vector<std::string>& class_names, const std::string& title,
                             const std::string& subtitle);

/// Writes a PNG with two panels over epochs: accuracy on training images, and on left-out clips. One line per fold, the
/// mean in bold. Writes nothing if no fold was trained.
void write_curves_picture(const std::string& path, const LosoPlan& plan, const std::vector<FoldResult>& folds);

/// Writes a PNG that shows, for one clip of each class, its first frame, its apex frame, and up to five of its flow
/// images from onset to offset; with a key of `colors`.
void write_flow_picture(const std::string& path, const io::ClipSet& clips, ClipImageStore& images,
                        flow::FlowColors colors);

}  // namespace shcnn::program
