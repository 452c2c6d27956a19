// Generated faces: always the same bytes, balanced classes, drawn without aliasing or jumps, and of the intended
// difficulty. The latter is measured with a multinomial logistic regression in this file, based on Eigen.
#include <Eigen/Dense>
#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "io/faces/fer2013.h"
#include "io/faces/ferplus.h"
#include "io/synth/faces.h"
#include "io_support.h"

using namespace shcnn::synth;
using shcnn::io::FaceSet;
using shcnn::io::Image;
using shcnn::io::Usage;

namespace {

/// Hash of the first 56 faces of seed 1. If it changes, all generated data sets change: state that in the change.
constexpr std::uint64_t kGoldenHash = 0xcadfbf9131fb9b1d;

/// FNV-1a, 64 bits.
std::uint64_t hash(std::span<const std::uint8_t> bytes) {
  std::uint64_t h = 0xcbf29ce484222325u;
  for (const std::uint8_t byte : bytes) h = (h ^ byte) * 0x100000001b3u;
  return h;
}

std::size_t count_of(const FaceSet& faces) { return static_cast<std::size_t>(faces.size()); }

std::span<const std::uint8_t> image_of(const FaceSet& faces, std::size_t i) {
  return faces.image(static_cast<std::int64_t>(i));
}

FaceVotes votes_of(const FaceSet& faces, std::size_t i) {
  FaceVotes votes;
  std::copy_n(faces.votes.begin() + static_cast<std::ptrdiff_t>(i * votes.size()), votes.size(), votes.begin());
  return votes;
}

FaceSynthOptions options_for(int count, int threads = 2) {
  FaceSynthOptions options;
  options.count = count;
  options.threads = threads;
  return options;
}

double mean_absolute_difference(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) {
  REQUIRE(a.size() == b.size());
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::abs(int{a[i]} - int{b[i]});
  return sum / static_cast<double>(a.size());
}

/// A face seen from the front, without blur, noise, or a background that does not move with the face.
FaceParameters plain_face() {
  FaceParameters face;
  face.view.blur = 0;
  face.view.noise = 0;
  return face;
}

/// Multinomial logistic regression on standardised pixels: mean cross-entropy + l2 / 2 |w|^2 (without bias).
class LogisticRegression {
 public:
  LogisticRegression(const FaceSet& faces, std::size_t first, std::size_t last) {
    x_ = rows(faces, first, last);
    mean_ = x_.colwise().mean();
    deviation_ = ((x_.rowwise() - mean_).array().square().colwise().mean() + 1e-6f).sqrt();
    standardise(x_);
    labels_ = labels(faces, first, last);
    w_ = Eigen::MatrixXf::Zero(x_.cols(), kClasses);
  }

  /// L-BFGS with ten pairs and step halving, at most `steps` steps, starting from the result of the last call.
  void fit(float l2, int steps) {
    std::deque<std::pair<Eigen::MatrixXf, Eigen::MatrixXf>> pairs;  // (step, change of the gradient), oldest first
    Eigen::MatrixXf gradient;
    double loss = evaluate(w_, l2, gradient);
    for (int step = 0; step < steps; ++step) {
      Eigen::MatrixXf direction = -gradient;
      std::vector<float> alpha;
      for (auto pair = pairs.rbegin(); pair != pairs.rend(); ++pair) {
        const auto& [s, y] = *pair;
        alpha.push_back(s.cwiseProduct(direction).sum() / s.cwiseProduct(y).sum());
        direction -= alpha.back() * y;
      }
      if (pairs.empty()) {
        direction *= 0.1f / gradient.norm();
      } else {
        const auto& [s, y] = pairs.back();
        direction *= s.cwiseProduct(y).sum() / y.squaredNorm();
      }
      for (const auto& [s, y] : pairs) {
        const float beta = y.cwiseProduct(direction).sum() / s.cwiseProduct(y).sum();
        direction += (alpha.back() - beta) * s;
        alpha.pop_back();
      }
      const double slope = gradient.cwiseProduct(direction).sum();
      Eigen::MatrixXf next, next_gradient;
      double next_loss = 0;
      float length = 1;
      for (int trial = 0; trial < 20; ++trial, length *= 0.5f) {
        next = w_ + length * direction;
        next_loss = evaluate(next, l2, next_gradient);
        if (next_loss <= loss + 1e-4 * length * slope) break;
      }
      const double gain = loss - next_loss;
      pairs.emplace_back(next - w_, next_gradient - gradient);
      if (pairs.size() > 10) pairs.pop_front();
      if (pairs.back().first.cwiseProduct(pairs.back().second).sum() <= 0) pairs.clear();
      w_ = next;
      gradient = next_gradient;
      loss = next_loss;
      if (gain < 1e-5 * loss) break;
    }
  }

  double accuracy(const FaceSet& faces, std::size_t first, std::size_t last) const {
    Eigen::MatrixXf x = rows(faces, first, last);
    standardise(x);
    const Eigen::MatrixXf z = scores(x, w_);
    const std::vector<int> truth = labels(faces, first, last);
    int right = 0;
    for (Eigen::Index i = 0; i < z.rows(); ++i) {
      Eigen::Index best = 0;
      z.row(i).maxCoeff(&best);
      right += best == truth[static_cast<std::size_t>(i)];
    }
    return right / static_cast<double>(z.rows());
  }

 private:
  static constexpr int kClasses = 7;

  static Eigen::MatrixXf rows(const FaceSet& faces, std::size_t first, std::size_t last) {
    const std::size_t cells = static_cast<std::size_t>(faces.image_bytes());
    Eigen::MatrixXf x(static_cast<Eigen::Index>(last - first), static_cast<Eigen::Index>(cells));
    for (std::size_t i = first; i < last; ++i) {
      for (std::size_t j = 0; j < cells; ++j) {
        x(static_cast<Eigen::Index>(i - first), static_cast<Eigen::Index>(j)) =
            static_cast<float>(image_of(faces, i)[j]) / 255;
      }
    }
    return x;
  }

  static std::vector<int> labels(const FaceSet& faces, std::size_t first, std::size_t last) {
    std::vector<int> y;
    for (std::size_t i = first; i < last; ++i) y.push_back(faces.labels[i]);
    return y;
  }

  void standardise(Eigen::MatrixXf& x) const {
    x.rowwise() -= mean_;
    for (Eigen::Index j = 0; j < x.cols(); ++j) x.col(j) /= deviation_(j);
  }

  /// Without bias: the pixels are centred and the classes balanced, so it would stay at zero.
  static Eigen::MatrixXf scores(const Eigen::MatrixXf& x, const Eigen::MatrixXf& w) { return x * w; }

  double evaluate(const Eigen::MatrixXf& w, float l2, Eigen::MatrixXf& gradient) const {
    Eigen::MatrixXf z = scores(x_, w);
    double loss = 0;
    for (Eigen::Index i = 0; i < z.rows(); ++i) {
      const int label = labels_[static_cast<std::size_t>(i)];
      const float top = z.row(i).maxCoeff();
      const Eigen::RowVectorXf e = (z.row(i).array() - top).exp();
      loss += std::log(double{e.sum()}) + top - z(i, label);
      z.row(i) = e / e.sum();
      z(i, label) -= 1;
    }
    gradient.noalias() = x_.transpose() * z / static_cast<float>(z.rows());
    gradient += l2 * w;
    return loss / static_cast<double>(z.rows()) + 0.5 * l2 * w.squaredNorm();
  }

  Eigen::MatrixXf x_, w_;  // (faces, cells), (cells, classes)
  Eigen::RowVectorXf mean_, deviation_;
  std::vector<int> labels_;
};

}  // namespace

TEST_CASE("a seed's faces are the same bytes everywhere", "[synth]") {
  const FaceSet faces = make_faces(options_for(56));
  INFO("hash " << std::hex << hash(faces.pixels));
  CHECK(hash(faces.pixels) == kGoldenHash);
  FaceSynthOptions other = options_for(56);
  other.seed = 2;
  CHECK(hash(make_faces(other).pixels) != hash(faces.pixels));
}

TEST_CASE("a face depends on seed and number alone", "[synth]") {
  const FaceSet one = make_faces(options_for(90, 1)), two = make_faces(options_for(90, 2));
  const FaceSet seven = make_faces(options_for(90, 7)), fewer = make_faces(options_for(31, 2));
  CHECK(one.pixels == two.pixels);
  CHECK(one.pixels == seven.pixels);
  CHECK(one.votes == two.votes);
  CHECK(one.labels == two.labels);
  CHECK(std::equal(fewer.pixels.begin(), fewer.pixels.end(), one.pixels.begin()));
  CHECK(std::equal(fewer.votes.begin(), fewer.votes.end(), one.votes.begin()));
  for (std::uint32_t i = 0; i < 90; i += 13) {
    const SampledFace alone = sample_face(1, i, made_face_class(i, false));
    const std::vector<std::uint8_t> picture = render_face(alone.parameters, 48);
    CHECK(std::ranges::equal(picture, image_of(one, i)));
    CHECK(alone.votes == votes_of(one, i));
  }
}

TEST_CASE("made faces are balanced, split 80/10/10 and no two are alike", "[synth]") {
  const bool contempt = GENERATE(false, true);
  FaceSynthOptions options = options_for(1000);
  options.contempt = contempt;
  const FaceSet faces = make_faces(options);
  REQUIRE(count_of(faces) == 1000);
  REQUIRE(faces.pixels.size() == 1000u * 48 * 48);
  std::map<Usage, std::map<FaceClass, int>> counts;
  for (std::uint32_t i = 0; i < 1000; ++i) ++counts[faces.usages[i]][made_face_class(i, contempt)];
  const std::map<Usage, int> expected = {
      {Usage::kTraining, 800}, {Usage::kPublicTest, 100}, {Usage::kPrivateTest, 100}};
  for (const auto& [usage, by_class] : counts) {
    int total = 0, least = 1000, most = 0;
    CHECK(by_class.size() == (contempt ? 8u : 7u));
    for (const auto& [label, n] : by_class) {
      total += n;
      least = std::min(least, n);
      most = std::max(most, n);
    }
    CHECK(total == expected.at(usage));
    CHECK(most - least <= 1);
  }
  std::map<std::uint64_t, int> seen;
  for (std::size_t i = 0; i < count_of(faces); ++i) ++seen[hash(image_of(faces, i))];
  CHECK(seen.size() == count_of(faces));
}

TEST_CASE("every made face shows something", "[synth]") {
  const FaceSet faces = make_faces(options_for(700));
  int dull = 0;
  for (std::size_t i = 0; i < count_of(faces); ++i) {
    double sum = 0, squares = 0;
    for (const std::uint8_t level : image_of(faces, i)) {
      sum += level;
      squares += double{1} * level * level;
    }
    const double n = static_cast<double>(image_of(faces, i).size()), mean = sum / n;
    const double deviation = std::sqrt(squares / n - mean * mean);
    CHECK(mean > 10);
    CHECK(mean < 245);
    CHECK(deviation > 6);
    dull += deviation < 15;
  }
  CHECK(dull < 35);
}

TEST_CASE("ten votes a face, and most agree with its class", "[synth]") {
  FaceSynthOptions options = options_for(800);
  options.contempt = true;
  const FaceSet faces = make_faces(options);
  int strict = 0, unanimous = 0;
  for (std::size_t i = 0; i < count_of(faces); ++i) {
    const FaceVotes votes = votes_of(faces, i);
    int sum = 0;
    for (const int n : votes) {
      CHECK(n >= 0);
      sum += n;
    }
    CHECK(sum == 10);
    const auto best = std::max_element(votes.begin(), votes.end()) - votes.begin();
    CHECK(best == vote_column(made_face_class(static_cast<std::uint32_t>(i), true)));
    const int unknown = votes[8], not_a_face = votes[9], top = votes[static_cast<std::size_t>(best)];
    strict += not_a_face == 0 && 2 * top > 10 - unknown;
    unanimous += top == 10;
  }
  CHECK(strict > 760);     // FER+'s strict rule keeps nearly all
  CHECK(strict < 800);     // but drops some
  CHECK(unanimous < 600);  // and the labels are soft
}

TEST_CASE("a face moved by whole pixels is the same picture", "[synth]") {
  FaceParameters face = plain_face();
  const std::vector<std::uint8_t> still = render_face(face, 48);
  face.view.shift_x = 2.0 / 48;
  face.view.shift_y = -1.0 / 48;
  const std::vector<std::uint8_t> moved = render_face(face, 48);
  int worst = 0;
  for (int y = 1; y < 48; ++y) {
    for (int x = 0; x < 46; ++x) {
      worst = std::max(worst, std::abs(int{still[static_cast<std::size_t>(y * 48 + x)]} -
                                       int{moved[static_cast<std::size_t>((y - 1) * 48 + x + 2)]}));
    }
  }
  CHECK(worst <= 1);
}

TEST_CASE("a hundredth of a pixel moves gray levels smoothly", "[synth]") {
  // If a pixel changes by far more than its share of the whole movement, an edge jumps.
  const FaceClass label = GENERATE(FaceClass::kHappy, FaceClass::kFear, FaceClass::kSad);
  FaceParameters face = plain_face();
  constexpr int kSteps = 100, kSize = 60;
  std::vector<std::uint8_t> before, first;
  int worst = 0;
  double travelled = 0;
  for (int step = 0; step <= kSteps; ++step) {
    face.expression = typical_expression(label, 0, 0.3 * step / kSteps);
    face.view.shift_x = 0.01 * step / kSize;
    const std::vector<std::uint8_t> now = render_face(face, kSize);
    if (step == 0) {
      first = now;
    } else {
      for (std::size_t i = 0; i < now.size(); ++i) worst = std::max(worst, std::abs(int{now[i]} - int{before[i]}));
    }
    before = now;
  }
  travelled = mean_absolute_difference(first, before);
  CHECK(travelled > 1.0);
  CHECK(worst <= 8);
}

TEST_CASE("a large picture made small is the small picture", "[synth]") {
  const FaceClass label = GENERATE(FaceClass::kAngry, FaceClass::kSurprise);
  FaceParameters face = plain_face();
  face.identity.texture = 0;
  face.expression = typical_expression(label, 1, 1.0);
  const std::vector<std::uint8_t> small = render_face(face, 48), large = render_face(face, 192);
  std::vector<std::uint8_t> reduced(small.size());
  for (std::size_t y = 0; y < 48; ++y) {
    for (std::size_t x = 0; x < 48; ++x) {
      int sum = 0;
      for (std::size_t j = 0; j < 4; ++j) {
        for (std::size_t i = 0; i < 4; ++i) sum += large[(4 * y + j) * 192 + 4 * x + i];
      }
      reduced[y * 48 + x] = static_cast<std::uint8_t>((sum + 8) / 16);
    }
  }
  CHECK(mean_absolute_difference(small, reduced) < 2.0);
}

TEST_CASE("on one person seen squarely, each expression is its own picture", "[synth]") {
  std::vector<std::vector<std::uint8_t>> pictures;
  for (int label = 0; label < kFaceClasses; ++label) {
    FaceParameters face = plain_face();
    face.expression = typical_expression(static_cast<FaceClass>(label), 0, 1.0);
    pictures.push_back(render_face(face, 48));
  }
  for (std::size_t a = 0; a < pictures.size(); ++a) {
    for (std::size_t b = a + 1; b < pictures.size(); ++b) {
      INFO(face_class_name(static_cast<FaceClass>(a)) << " and " << face_class_name(static_cast<FaceClass>(b)));
      CHECK(mean_absolute_difference(pictures[a], pictures[b]) > 0.7);
    }
  }
}

TEST_CASE("a contact sheet shows the first faces of each class", "[synth]") {
  FaceSynthOptions options = options_for(1);
  const Image sheet = contact_sheet(options, 3);
  REQUIRE(sheet.width == 3 * 48);
  REQUIRE(sheet.height == 7 * 48);
  const FaceSet faces = make_faces(options_for(21));
  for (std::size_t i = 0; i < 21; ++i) {
    const std::size_t row = i % 7, column = i / 7;
    bool same = true;
    for (std::size_t y = 0; y < 48; ++y) {
      for (std::size_t x = 0; x < 48; ++x) {
        same = same && sheet.pixels[(row * 48 + y) * 144 + column * 48 + x] == image_of(faces, i)[y * 48 + x];
      }
    }
    CHECK(same);
  }
}

TEST_CASE("made faces written as FER2013 and FER+ are read back", "[synth]") {
  const bool contempt = GENERATE(false, true);
  const shcnn::io::test::TemporaryFolder folder;
  FaceSynthOptions options = options_for(80);
  options.contempt = contempt;
  const FaceSet made = write_made_faces(folder / "set", options, shcnn::io::Overwrite::kNo);
  const FaceSet fer2013 = shcnn::io::read_fer2013(folder / "set" / "fer2013.csv");
  CHECK(fer2013.pixels == made.pixels);
  CHECK(fer2013.labels == made.labels);
  CHECK(fer2013.usages == made.usages);
  CHECK(fer2013.probabilities == made.probabilities);
  const FaceSet votes = shcnn::io::read_ferplus(shcnn::io::find_ferplus(folder / "set"));
  CHECK(votes.pixels == made.pixels);
  CHECK(votes.votes == made.votes);
  CHECK(votes.usages == made.usages);
  CHECK(votes.problems.empty());
  const FaceSet ruled = shcnn::io::apply_rule(votes, shcnn::io::FerplusRule::kSoft);
  REQUIRE(ruled.size() > 70);
  for (std::int64_t i = 0; i < ruled.size(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    const auto row = static_cast<std::uint32_t>(std::find(votes.names.begin(), votes.names.end(), ruled.names[at]) -
                                                votes.names.begin());
    CHECK(ruled.labels[at] == vote_column(made_face_class(row, contempt)));
  }
  const Image sheet = shcnn::io::read_image(folder / "set" / "faces.png", 1);
  CHECK(sheet.height == (contempt ? 8 : 7) * 96);
  CHECK_THROWS_AS(write_made_faces(folder / "set", options, shcnn::io::Overwrite::kNo), shcnn::io::Error);
  options.size = 64;
  CHECK_THROWS_AS(write_made_faces(folder / "other", options, shcnn::io::Overwrite::kNo), shcnn::io::Error);
  CHECK_FALSE(std::filesystem::exists(folder / "other"));
}

TEST_CASE("impossible requests are refused", "[synth]") {
  CHECK_THROWS_AS(make_faces(options_for(0)), shcnn::io::Error);
  CHECK_THROWS_AS(make_faces(options_for(5, -1)), shcnn::io::Error);
  CHECK_THROWS_AS(contact_sheet(options_for(5), 0), shcnn::io::Error);
  FaceSynthOptions tiny = options_for(5);
  tiny.size = 7;
  CHECK_THROWS_AS(make_faces(tiny), shcnn::io::Error);
}

TEST_CASE("logistic regression on pixels cannot tell the expressions", "[synth][slow]") {
  const FaceSet faces = make_faces(options_for(3500));
  LogisticRegression model(faces, 0, 2800);
  double best = 0;
  for (const float l2 : {0.3f, 0.03f, 0.003f}) {
    model.fit(l2, 60);
    const double accuracy = model.accuracy(faces, 2800, 3500);
    WARN("L2 " << l2 << ": accuracy " << accuracy);
    best = std::max(best, accuracy);
  }
  CHECK(best < 0.80);
  CHECK(best > 2.0 / 7);  // still better than chance
}

TEST_CASE("the same judge succeeds where identity, pose and light are held still", "[synth][slow]") {
  FaceSet faces = make_faces(options_for(700));
  for (std::size_t i = 0; i < count_of(faces); ++i) {
    SampledFace face =
        sample_face(1, static_cast<std::uint32_t>(i), made_face_class(static_cast<std::uint32_t>(i), false));
    face.parameters.identity = FaceIdentity{};
    face.parameters.view = FaceView{};
    const std::vector<std::uint8_t> picture = render_face(face.parameters, 48);
    std::ranges::copy(picture, faces.pixels.begin() + static_cast<std::ptrdiff_t>(i * picture.size()));
  }
  LogisticRegression model(faces, 0, 560);
  model.fit(0.03f, 60);
  const double accuracy = model.accuracy(faces, 560, 700);
  WARN("accuracy " << accuracy);
  CHECK(accuracy > 0.9);
}
