package dev.sennit.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.images.internal.files.PartFile;
import java.io.IOException;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class OutputFolderTest {
    private static final byte[] IMAGE = {1, 2, 3};

    @TempDir
    private Path folder;

    private static Source file(String path) {
        return new Source.LocalFile(Path.of(path));
    }

    private static Source web(String address) {
        return new Source.WebAddress(URI.create(address));
    }

    private List<String> files() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(Path::getFileName).map(Path::toString).sorted().toList();
        }
    }

    private OutputFolder open(OutputFolder.Existing existing) throws Exception {
        return OutputFolder.open(folder, existing);
    }

    // ---- names ----

    @Test
    void sizesStandBesideEachOther() throws Exception {
        OutputFolder out = open(OutputFolder.Existing.FAIL);
        for (int size : new int[] {200, 64}) {
            assertThat(out.write(out.file(file("photos/cat.png"), size, "jpg"), IMAGE)).isTrue();
        }
        assertThat(files()).containsExactly("cat_200.jpg", "cat_64.jpg");
        assertThat(folder.resolve("cat_64.jpg")).hasBinaryContent(IMAGE);
        assertThat(out).hasToString("OutputFolder[" + folder + ", FAIL, 1 names]");
    }

    @Test
    void theLaterOfTwoWithOneNameGetsAHash() throws Exception {
        List<Source> sources = List.of(
                file("/a/cat.jpg"), file("/b/cat.jpg"), file("/b/CAT.png"), web("http://example.org/cat.jpg?1"),
                web("http://example.org/cat.jpg?2"), file("/a/../a/cat.jpg"));
        List<Path> names = names(sources);
        assertThat(names.getFirst()).hasFileName("cat_8.jpg");
        assertThat(names.get(1).getFileName().toString()).matches("cat-[0-9a-f]{8}_8\\.jpg");
        assertThat(names.get(2).getFileName().toString()).matches("CAT-[0-9a-f]{8}_8\\.jpg");
        assertThat(names.subList(0, 5)).doesNotHaveDuplicates();
        assertThat(names.getLast()).as("the same source").isEqualTo(names.getFirst());
        assertThat(names(sources)).as("in a second run").isEqualTo(names);
    }

    private List<Path> names(List<Source> sources) throws Exception {
        OutputFolder out = open(OutputFolder.Existing.REPLACE);
        return sources.stream().map(source -> out.file(source, 8, "jpg")).toList();
    }

    @Test
    void noTwoSourcesEverShareAFile() {
        String[] parts = {"a", "A", "_8", "a_8", "..", "-", "\u00e4", "a\u0308", "%41", "con", "x".repeat(250),
            "x".repeat(249) + "y", "image", "\u212A", "k"};
        Seeded.repeat(20, random -> {
            List<Source> sources = new ArrayList<>();
            for (int i = 0; i < 300; i++) {
                var name = new StringBuilder("/d" + random.generator().nextInt(5) + "/");
                for (int n = random.generator().nextInt(1, 3); n > 0; n--) {
                    name.append(parts[random.generator().nextInt(parts.length)]);
                }
                sources.add(file(name.append(random.generator().nextBoolean() ? ".jpg" : "").toString()));
            }
            List<Path> names = names(sources);
            Map<String, String> owners = new HashMap<>();
            for (int i = 0; i < sources.size(); i++) {
                String owner = FileNames.identity(sources.get(i));
                String name = names.get(i).getFileName().toString();
                assertThat(owners.computeIfAbsent(FileNames.key(name), unknown -> owner)).isEqualTo(owner);
                assertThat(name.getBytes(java.nio.charset.StandardCharsets.UTF_8).length).isLessThan(240);
            }
            assertThat(names(sources)).isEqualTo(names);
        });
    }

    @Test
    void argumentsAreChecked() throws Exception {
        OutputFolder out = open(OutputFolder.Existing.FAIL);
        assertThatThrownBy(() -> out.file(file("a"), 0, "jpg")).hasMessage("size must be >= 1, was 0");
        assertThatThrownBy(() -> out.file(file("a"), 1, "../x"))
                .hasMessage("format must be 1 to 5 lower-case letters and digits, was \"../x\"");
        assertThatThrownBy(() -> out.write(folder.resolveSibling("x"), IMAGE))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> out.write(folder.resolve("../x"), IMAGE)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void theCurrentFolderIsOne() throws Exception {
        Path file = OutputFolder.open(Path.of(""), OutputFolder.Existing.FAIL).file(file("theCurrentFolderIsOne"), 8,
                "jpg");
        try {
            assertThat(OutputFolder.open(Path.of(""), OutputFolder.Existing.FAIL).write(file, IMAGE)).isTrue();
            assertThat(file).hasBinaryContent(IMAGE);
        } finally {
            Files.deleteIfExists(file);
        }
    }

    // ---- what is there ----

    @Test
    void existingFilesAreKeptReplacedOrAnError() throws Exception {
        Path there = Files.writeString(folder.resolve("cat_8.jpg"), "old");
        assertThat(open(OutputFolder.Existing.KEEP).keeps(there)).isTrue();
        assertThat(open(OutputFolder.Existing.KEEP).write(there, IMAGE)).isFalse();
        assertThatThrownBy(() -> open(OutputFolder.Existing.FAIL).write(there, IMAGE))
                .isInstanceOf(IOException.class)
                .hasMessage("cannot write " + there + ": it exists; keep or replace it, or choose another folder");
        assertThat(there).hasContent("old");
        assertThat(open(OutputFolder.Existing.REPLACE).keeps(there)).isFalse();
        assertThat(open(OutputFolder.Existing.REPLACE).durable().write(there, IMAGE)).isTrue();
        assertThat(there).hasBinaryContent(IMAGE);
        assertThat(files()).containsExactly("cat_8.jpg");
    }

    @ParameterizedTest
    @EnumSource(OutputFolder.Existing.class)
    void aFolderInTheWayStays(OutputFolder.Existing existing) throws Exception {
        Path inTheWay = Files.createDirectory(folder.resolve("cat_8.jpg"));
        Files.createFile(inTheWay.resolve("x"));
        OutputFolder out = open(existing);
        if (existing == OutputFolder.Existing.KEEP) {
            assertThat(out.write(inTheWay, IMAGE)).isFalse();
        } else {
            assertThatThrownBy(() -> out.write(inTheWay, IMAGE)).isInstanceOf(IOException.class).message()
                    .hasLineCount(1);
        }
        assertThat(files()).containsExactly("cat_8.jpg");
    }

    @Test
    void ofManyThatWriteOneFileAtOnceOneDoes() throws Exception {
        OutputFolder out = open(OutputFolder.Existing.KEEP);
        Path file = out.file(file("cat.jpg"), 8, "jpg");
        var written = new AtomicInteger();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            threads.add(Thread.startVirtualThread(() -> {
                try {
                    if (out.write(file, IMAGE)) {
                        written.incrementAndGet();
                    }
                } catch (IOException | InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(written).hasValue(1);
        assertThat(files()).containsExactly("cat_8.jpg");
    }

    // ---- failures ----

    @Test
    void aFolderThatCannotBe() throws Exception {
        Path inTheWay = Files.createFile(folder.resolve("file"));
        assertThatThrownBy(() -> OutputFolder.open(inTheWay, OutputFolder.Existing.FAIL))
                .isInstanceOf(IOException.class)
                .hasMessage("cannot make folder " + inTheWay + ": it exists; choose another");
        assertThatThrownBy(() -> OutputFolder.open(inTheWay.resolve("x"), OutputFolder.Existing.FAIL))
                .isInstanceOf(IOException.class)
                .hasMessage(
                        "cannot make folder " + inTheWay.resolve("x") + ": " + inTheWay + " is a file; choose another");
    }

    @Test
    void aFolderThatHasGoneIsMadeAgain() throws Exception {
        OutputFolder out = open(OutputFolder.Existing.FAIL);
        Files.delete(folder);
        assertThat(out.write(out.file(file("cat"), 8, "jpg"), IMAGE)).isTrue();
        assertThat(files()).containsExactly("cat_8.jpg");
    }

    @Test
    void foldersAreMadeByTheFirstFile() throws Exception {
        OutputFolder out = OutputFolder.open(folder.resolve("a/b/out"), OutputFolder.Existing.FAIL);
        assertThat(files()).as("nothing was written yet").isEmpty();

        assertThat(out.write(out.file(file("cat"), 8, "jpg"), IMAGE)).isTrue();
        assertThat(folder.resolve("a/b/out/cat_8.jpg")).hasBinaryContent(IMAGE);
    }

    @Test
    void aWriteThatFailsOrIsInterruptedTakesTheFoldersItMadeAwayAgain() throws Exception {
        Path kept = Files.createDirectory(folder.resolve("kept"));
        OutputFolder out = OutputFolder.open(kept.resolve("a/out"), OutputFolder.Existing.FAIL);
        Path tooLong = out.folder().resolve("x".repeat(300) + ".jpg");

        assertThatThrownBy(() -> out.write(tooLong, IMAGE)).isInstanceOf(IOException.class).message().hasLineCount(1);
        assertThat(kept).isEmptyDirectory();

        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> out.write(out.file(file("cat"), 8, "jpg"), IMAGE))
                .isInstanceOf(InterruptedException.class);
        assertThat(kept).isEmptyDirectory();
    }

    @Test
    void foldersThatHoldSomethingOrWereThereStay() throws Exception {
        Path there = Files.createDirectory(folder.resolve("there"));
        OutputFolder empty = OutputFolder.open(there, OutputFolder.Existing.FAIL);
        Path tooLong = there.resolve("x".repeat(300) + ".jpg");
        assertThatThrownBy(() -> empty.write(tooLong, IMAGE)).isInstanceOf(IOException.class);
        assertThat(there).isEmptyDirectory();

        OutputFolder out = OutputFolder.open(there.resolve("a/out"), OutputFolder.Existing.FAIL);
        Path cat = out.file(file("cat"), 8, "jpg");
        assertThat(out.write(cat, IMAGE)).isTrue();
        assertThatThrownBy(() -> out.write(out.folder().resolve("x".repeat(300) + ".jpg"), IMAGE))
                .isInstanceOf(IOException.class);
        assertThatThrownBy(() -> out.write(cat, IMAGE)).message().contains("it exists");
        assertThat(cat).hasBinaryContent(IMAGE);
    }

    /** Each that fails takes away the folders that another is about to write into. */
    @Test
    void writesThatFailDisturbNoOthers() throws Exception {
        for (int round = 0; round < 50; round++) {
            OutputFolder out = OutputFolder.open(folder.resolve("round" + round + "/out"), OutputFolder.Existing.FAIL);
            var failures = new AtomicInteger();
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                Path target = out.folder().resolve(i % 2 == 0 ? i + ".jpg" : "x".repeat(300) + ".jpg");
                threads.add(Thread.startVirtualThread(() -> {
                    try {
                        out.write(target, IMAGE);
                    } catch (IOException e) {
                        failures.incrementAndGet();
                    } catch (InterruptedException e) {
                        throw new IllegalStateException(e);
                    }
                }));
            }
            for (Thread thread : threads) {
                thread.join();
            }
            assertThat(failures).as("those with too long a name").hasValue(5);
            try (Stream<Path> made = Files.list(out.folder())) {
                assertThat(made).hasSize(5);
            }
        }
    }

    @Test
    void anInterruptLeavesNothing() throws Exception {
        OutputFolder out = open(OutputFolder.Existing.REPLACE);
        Path file = out.file(file("cat"), 8, "jpg");
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> out.write(file, IMAGE)).isInstanceOf(InterruptedException.class);
        assertThat(Thread.currentThread().isInterrupted()).isFalse();
        assertThat(files()).isEmpty();
        assertThat(out.write(file, IMAGE)).isTrue();
    }

    // ---- what others left ----

    @Test
    void deadPartsAreRemovedAndOthersAreNot() throws Exception {
        Files.writeString(folder.resolve(".sennit-123-abc.part"), "left behind");
        Files.writeString(folder.resolve("mine.part"), "somebody's own");
        Files.createDirectory(folder.resolve(".sennit-folder.part"));
        Path elsewhere = Files.writeString(folder.resolve("elsewhere"), "kept");
        Files.createSymbolicLink(folder.resolve(".sennit-link.part"), elsewhere);
        try (PartFile ours = PartFile.create(folder.resolve("done"))) {
            open(OutputFolder.Existing.FAIL);
            assertThat(files())
                    .hasSize(5)
                    .contains(".sennit-folder.part", ".sennit-link.part", "mine.part", "elsewhere")
                    .doesNotContain(".sennit-123-abc.part");
            ours.write(java.nio.ByteBuffer.wrap(IMAGE));
            assertThat(ours.add()).isTrue();
        }
        assertThat(folder.resolve("done")).hasBinaryContent(IMAGE);
    }

    @Test
    void oneThatIsLockedWithinThisJvmStays() throws Exception {
        Path part = Files.writeString(folder.resolve(".sennit-1-a.part"), "another library's, in another class loader");
        try (FileChannel channel = FileChannel.open(part, StandardOpenOption.WRITE)) {
            channel.lock();
            PartFile.removeDead(folder);
            assertThat(part).exists();
        }
        PartFile.removeDead(folder);
        assertThat(part).doesNotExist();
    }
}
