// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "AlignmentFile.h"

using namespace llvm;
using namespace attn;

Expected<std::unique_ptr<AlignmentFile>>
AlignmentFile::open(StringRef path, bool explain, bool withColors,
                    AlignmentStep step) {
  auto alignments = std::make_unique<AlignmentFile>();
  alignments->step = step;
  if (explain)
    alignments->table = createAlignmentTable(withColors);
  if (path.empty())
    return alignments;
  Expected<std::unique_ptr<AlignmentWriter>> writer =
      createAlignmentWriter(path);
  if (!writer)
    return writer.takeError();
  Expected<std::unique_ptr<OutputFile>> file = OutputFile::open(path);
  if (!file)
    return file.takeError();
  alignments->writer = std::move(*writer);
  alignments->file = std::move(*file);
  alignments->writer->begin(alignments->file->stream());
  return alignments;
}

void AlignmentFile::write(const WrittenLine &line, raw_ostream &output) {
  AlignedLine aligned = alignLine(line, step);
  if (table)
    table->write(aligned, output);
  if (writer)
    writer->write(aligned, file->stream());
}

Error AlignmentFile::flush() { return file ? file->flush() : Error::success(); }

Error AlignmentFile::close() {
  if (!file)
    return Error::success();
  writer->end(file->stream());
  return file->close();
}
