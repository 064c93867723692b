package dev.sennit.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.Pools;
import dev.sennit.Seeded;
import dev.sennit.TaskFuture;
import dev.sennit.conformance.internal.Conditions;
import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.ref.WeakReference;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.TreeSet;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** Files for coroutines. What hangs in the system is a named pipe that is open for both sides and empty. */
@Timeout(120)
@ParameterizedClass
@EnumSource
class FilesIT {
    private final EventLoop.Mechanism mechanism;

    @TempDir
    private Path folder;

    FilesIT(EventLoop.Mechanism mechanism) {
        this.mechanism = mechanism;
    }

    private interface Body {
        void run(EventLoop loop) throws Exception;
    }

    private void inLoop(Body body) throws Exception {
        try (EventLoop loop = EventLoop.builder().mechanism(mechanism).open()) {
            try {
                loop.submit(() -> {
                    body.run(loop);
                    return null;
                }).get();
            } finally {
                loop.shutdownNow();
            }
        }
    }

    private Path file(String text) throws IOException {
        return Files.writeString(Files.createTempFile(folder, "file", ""), text);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private Path pipe() throws Exception {
        Path pipe = folder.resolve("pipe");
        assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor()).isZero();
        return pipe;
    }

    private static int descriptorsOf(Path path) throws IOException {
        Path wanted = path.toRealPath();
        int count = 0;
        for (String name : Objects.requireNonNull(new File("/proc/self/fd").list())) {
            try {
                if (Files.readSymbolicLink(Path.of("/proc/self/fd", name)).equals(wanted)) {
                    count++;
                }
            } catch (IOException e) {
                // it was closed meanwhile
            }
        }
        return count;
    }

    // ---- reading and writing ----

    @Test
    void linesAreRead() throws Exception {
        Path path = file("one\ntwo\r\n\nz\u00fcrich\nlast");
        inLoop(loop -> {
            try (FileStream file = FileStream.open(path)) {
                List<String> lines = new ArrayList<>();
                for (String line = file.readLine(100); line != null; line = file.readLine(100)) {
                    lines.add(line);
                }
                assertThat(lines).containsExactly("one", "two", "", "z\u00fcrich", "last");
                assertThat(file.readLine(100)).isNull();
                assertThat(file).hasToString("file " + path);
            }
        });
    }

    @Test
    void aFileThatGrowsIsReadOn() throws Exception {
        Path path = file("one\n");
        inLoop(loop -> {
            try (FileStream file = FileStream.open(path)) {
                assertThat(file.readLine(100)).isEqualTo("one");
                assertThat(file.readLine(100)).isNull();
                FileStream.writeString(path, "two\n", StandardOpenOption.APPEND);
                assertThat(file.readLine(100)).isEqualTo("two");
                assertThat(file.readLine(100)).isNull();
            }
        });
    }

    @Test
    void limitsHoldForFilesToo() throws Exception {
        Path path = file("abcdefghijk\nnext\n");
        inLoop(loop -> {
            try (FileStream file = FileStream.open(path)) {
                assertThatThrownBy(() -> file.readLine(10)).isInstanceOf(InputTooLongException.class)
                        .hasMessageContaining("file " + path);
                assertThat(file.readUntil(20, bytes("k\nn"))).asString().isEqualTo("abcdefghijk\nn");
                assertThatThrownBy(() -> file.readAll(3)).isInstanceOf(InputTooLongException.class);
                assertThat(file.readAll(4)).asString().isEqualTo("ext\n");
            }
            assertThatThrownBy(() -> FileStream.readAllBytes(path, 16))
                    .isInstanceOf(InputTooLongException.class)
                    .hasMessageContaining("longer than 16 bytes");
            assertThat(FileStream.readString(path, 17)).hasSize(17);
        });
    }

    @Test
    void readingAndWritingShareOnePosition() throws Exception {
        Path path = file("0123456789");
        inLoop(loop -> {
            try (FileStream file = FileStream.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                assertThat(file.position()).isZero();
                assertThat(file.size()).isEqualTo(10);
                assertThat(file.readExactly(3)).asString().isEqualTo("012");
                assertThat(file.position()).isEqualTo(3);
                file.write("abc"); // all was read ahead
                assertThat(file.position()).isEqualTo(6);
                assertThat(file.readExactly(2)).asString().isEqualTo("67");
                file.position(1);
                assertThat(file.readLine(100)).isEqualTo("12abc6789");
                file.position(12);
                file.write("end");
                assertThat(file.size()).isEqualTo(15);
                file.truncate(4);
                assertThat(file.position()).isEqualTo(4);
                assertThat(file.readLine(10)).isNull();
                file.position(2);
                file.truncate(3);
                assertThat(file.position()).isEqualTo(2);
                file.force(true);
                file.shutdownOutput();
                assertThat(file.readAll(10)).asString().isEqualTo("2");
                assertThatThrownBy(() -> file.position(-1)).isInstanceOf(IllegalArgumentException.class);
                assertThatThrownBy(() -> file.truncate(-1)).isInstanceOf(IllegalArgumentException.class);
            }
        });
        assertThat(path).hasContent("012");
    }

    /** Against a file of the JDK's own. */
    @Test
    void itDoesWhatAPlainFileDoes() {
        Seeded.repeat(20, random -> {
            var generator = random.generator();
            Path here = file("");
            Path there = file("");
            try (var plain = new RandomAccessFile(there.toFile(), "rw")) {
                inLoop(loop -> {
                    try (FileStream file = FileStream.open(here, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                        for (int i = 0; i < 200; i++) {
                            int size = generator.nextInt(1, 1 << generator.nextInt(1, 18));
                            switch (generator.nextInt(5)) {
                                case 0, 1 -> {
                                    byte[] some = new byte[size];
                                    generator.nextBytes(some);
                                    file.write(some);
                                    plain.write(some);
                                }
                                case 2 -> {
                                    byte[] expected =
                                            new byte[Math.clamp(plain.length() - plain.getFilePointer(), 0, size)];
                                    plain.readFully(expected);
                                    assertThat(Arrays.equals(file.readExactly(expected.length), expected)).isTrue();
                                }
                                case 3 -> {
                                    long position = generator.nextLong(plain.length() + 10);
                                    file.position(position);
                                    plain.seek(position);
                                }
                                default -> {
                                    if (generator.nextInt(4) == 0) {
                                        long length = generator.nextLong(plain.length() + 1);
                                        file.truncate(length);
                                        plain.setLength(length);
                                    }
                                }
                            }
                            assertThat(file.position()).isEqualTo(plain.getFilePointer());
                            assertThat(file.size()).isEqualTo(plain.length());
                        }
                    }
                });
            }
            assertThat(Files.mismatch(here, there)).isEqualTo(-1);
        });
    }

    @Test
    void whatIsAppendedByManyIsWhole() throws Exception {
        Path path = file("begin\n");
        inLoop(loop -> {
            try (FileStream log = FileStream.open(path, StandardOpenOption.APPEND)) {
                List<TaskFuture<?>> writers = new ArrayList<>();
                for (char letter = 'a'; letter < 'k'; letter++) {
                    String line = String.valueOf(letter).repeat(200_000) + "\n"; // in several pieces
                    writers.add(loop.submit(() -> {
                        log.write(line);
                        return null;
                    }));
                }
                for (TaskFuture<?> writer : writers) {
                    writer.get();
                }
                assertThat(log.position()).isEqualTo(6 + 10 * 200_001);
                FileStream.writeString(path, "last\n", StandardOpenOption.APPEND);
                log.write("after that\n");
            }
        });
        List<String> lines = Files.readAllLines(path);
        assertThat(lines).hasSize(13).startsWith("begin").endsWith("last", "after that");
        for (int i = 0; i < 10; i++) {
            assertThat(lines.get(1 + i)).isEqualTo(String.valueOf((char) ('a' + i)).repeat(200_000));
        }
    }

    @Test
    void wholeFilesAreReadAndWritten() throws Exception {
        Path path = folder.resolve("whole");
        inLoop(loop -> {
            FileStream.writeString(path, "hello");
            FileStream.writeString(path, "hi");
            assertThat(FileStream.readString(path, 100)).isEqualTo("hi");
            FileStream.writeAllBytes(path, bytes(" there"), StandardOpenOption.CREATE, StandardOpenOption.APPEND);
            assertThat(FileStream.readAllBytes(path, 8)).asString().isEqualTo("hi there");
            assertThatThrownBy(() -> FileStream.writeString(path, "x", StandardOpenOption.CREATE_NEW))
                    .isInstanceOf(FileSystemException.class);
            byte[] much = new byte[5_000_000];
            new java.util.SplittableRandom(3).nextBytes(much);
            FileStream.writeAllBytes(path, much);
            assertThat(Arrays.equals(FileStream.readAllBytes(path, Integer.MAX_VALUE), much)).isTrue();
            assertThat(FileStream.readAllBytes(Files.createFile(folder.resolve("empty")), 0)).isEmpty();
        });
    }

    /** The system says of such files that they are empty. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void filesThatTheSystemMakesUpAreReadToTheirEnds() throws Exception {
        inLoop(loop -> {
            Path made = Path.of("/proc/self/maps");
            assertThat(FileStream.readString(made, 100_000_000)).contains("[stack]");
            assertThatThrownBy(() -> FileStream.readString(made, 1000)).isInstanceOf(InputTooLongException.class);
            assertThatThrownBy(() -> FileStream.readAllBytes(Path.of("/dev/zero"), 1_000_000))
                    .isInstanceOf(InputTooLongException.class);
        });
    }

    @Test
    void aFileGoesIntoAConnectionAndBack() throws Exception {
        byte[] much = new byte[10_000_000];
        new java.util.SplittableRandom(4).nextBytes(much);
        Path source = Files.write(folder.resolve("source"), much);
        Path target = folder.resolve("target");
        inLoop(loop -> {
            try (Listener listener = Listener.open(0)) {
                TaskFuture<Long> server = loop.submit(() -> {
                    try (ByteStream client = listener.accept(); FileStream file = FileStream.open(source)) {
                        assertThat(file.transferTo(client, 1000)).isEqualTo(1000);
                        assertThat(file.position()).isEqualTo(1000);
                        return file.transferTo(client);
                    }
                });
                try (ByteStream connection = ByteStream.connect("127.0.0.1", listener.port());
                        FileStream file =
                                FileStream.open(target, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                    assertThat(connection.transferTo(file)).isEqualTo(much.length);
                }
                assertThat(server.get()).isEqualTo(much.length - 1000);
            }
        });
        assertThat(Files.mismatch(source, target)).isEqualTo(-1);
    }

    /** What blocks is done by the loop's own threads, whatever pool the builder names for other things. */
    @Test
    void filesNeedNotTravel() throws Exception {
        Path path = file("hello");
        try (var elsewhere = Pools.open("inline");
                EventLoop loop = EventLoop.builder().mechanism(mechanism).name("files").offloadTo(elsewhere).open()) {
            assertThat(loop.submit(() -> FileStream.readString(path, 10)).get()).isEqualTo("hello");
            assertThat(elsewhere.statistics().submitted()).isZero();
            assertThat(Thread.getAllStackTraces().keySet())
                    .anyMatch(thread -> thread.getName().startsWith("files-offload-"));
        }
    }

    // ---- one at a time ----

    @Test
    @EnabledOnOs(OS.LINUX)
    void whoReadsOrAsksHasTheFileAlone() throws Exception {
        Path pipe = pipe();
        inLoop(loop -> {
            try (FileStream file = FileStream.open(pipe, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                TaskFuture<String> reader = loop.submit(() -> file.readLine(10));
                EventLoop.sleep(Duration.ofMillis(10));
                for (Body body : List.<Body>of(
                        l -> file.readLine(1), l -> file.write("x"), l -> file.position(), l -> file.position(1),
                        l -> file.size())) {
                    assertThatThrownBy(() -> body.run(loop)).isInstanceOf(IllegalStateException.class)
                            .hasMessageContaining("is being read by");
                }
                try (FileStream other = FileStream.open(pipe, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                    other.write("hello\n");
                    assertThat(reader.get()).isEqualTo("hello");
                    TaskFuture<?> writer = loop.submit(() -> {
                        other.write(new byte[1 << 20]); // more than the pipe holds
                        return null;
                    });
                    EventLoop.sleep(Duration.ofMillis(10));
                    assertThatThrownBy(() -> other.readLine(1)).isInstanceOf(IllegalStateException.class)
                            .hasMessageContaining("is being written to");
                    assertThat(file.readExactly(1 << 20)).hasSize(1 << 20);
                    writer.get();
                }
            }
        });
        Path path = file("x");
        FileStream[] open = new FileStream[1];
        inLoop(loop -> {
            open[0] = FileStream.open(path);
            assertThatThrownBy(() -> EventLoop.run(() -> open[0].readLine(1)))
                    .hasCauseInstanceOf(IllegalStateException.class);
        });
        assertThatThrownBy(() -> open[0].readLine(1)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> FileStream.open(path)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> FileStream.readString(path, 1)).isInstanceOf(IllegalStateException.class);
    }

    // ---- what ends a wait ----

    @Test
    @EnabledOnOs(OS.LINUX)
    void aReadThatIsCancelledOrTakesTooLongLosesNothing() throws Exception {
        Path pipe = pipe();
        inLoop(loop -> {
            try (FileStream file = FileStream.open(pipe, StandardOpenOption.READ, StandardOpenOption.WRITE);
                    FileStream other = FileStream.open(pipe, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                var over = new CountDownLatch(1);
                TaskFuture<?> reader = loop.submit(() -> {
                    try {
                        return file.readLine(10);
                    } finally {
                        over.countDown();
                    }
                });
                EventLoop.sleep(Duration.ofMillis(10));
                reader.cancel(true);
                EventLoop.suspending(() -> over.await(60, TimeUnit.SECONDS));
                file.setReadTimeout(Duration.ofMillis(20));
                assertThatThrownBy(() -> file.readLine(10))
                        .isInstanceOf(SocketTimeoutException.class)
                        .hasMessage("reading from file " + pipe + " took longer than 20 ms");
                file.setReadTimeout(null);
                other.write("hello\n"); // for the read that is still under way
                assertThat(file.readLine(10)).isEqualTo("hello");
                other.setWriteTimeout(Duration.ofMillis(20));
                assertThatThrownBy(() -> other.write(new byte[1 << 20]))
                        .isInstanceOf(SocketTimeoutException.class)
                        .hasMessageContaining("writing to file " + pipe);
                assertThat(file.isClosed()).isFalse();
            }
        });
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void closingWhileAnOperationRunsGivesTheDescriptorBack() throws Exception {
        Path pipe = pipe();
        inLoop(loop -> {
            int most = Runtime.getRuntime().availableProcessors() + 8; // more than the loop has threads for them
            List<FileStream> files = new ArrayList<>();
            List<TaskFuture<?>> readers = new ArrayList<>();
            for (int i = 0; i < most; i++) {
                FileStream file;
                try {
                    file = FileStream.open(pipe, StandardOpenOption.READ, StandardOpenOption.WRITE);
                } finally {
                    EventLoop.yieldNow();
                }
                files.add(file);
            }
            for (FileStream file : files) {
                readers.add(loop.submit(() -> file.readLine(10)));
            }
            EventLoop.sleep(Duration.ofMillis(50));
            assertThat(descriptorsOf(pipe)).isEqualTo(most);
            for (FileStream file : files) {
                file.close();
            }
            for (TaskFuture<?> reader : readers) {
                assertThatThrownBy(reader::get)
                        .hasCauseInstanceOf(StreamClosedException.class)
                        .hasMessageContaining("file " + pipe + " is closed: close() was called");
            }
            assertThatThrownBy(() -> files.getFirst().readLine(1)).isInstanceOf(StreamClosedException.class);
            assertThatThrownBy(() -> files.getFirst().write("x")).isInstanceOf(StreamClosedException.class);
            assertThatThrownBy(() -> files.getFirst().size()).isInstanceOf(StreamClosedException.class);
            Conditions.await("all are given back").untilAsserted(() -> assertThat(descriptorsOf(pipe)).isZero());
            assertThat(FileStream.readString(Files.writeString(folder.resolve("x"), "threads are free"), 100))
                    .isEqualTo("threads are free");
        });
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void theEndOfTheLoopClosesWhatIsOpen() throws Exception {
        Path pipe = pipe();
        Path path = file("hello");
        FileStream[] left = new FileStream[2];
        inLoop(loop -> {
            left[0] = FileStream.open(pipe, StandardOpenOption.READ, StandardOpenOption.WRITE);
            left[1] = FileStream.open(path);
            loop.submit(() -> left[0].readLine(10)); // cancelled, but its operation goes on
            EventLoop.sleep(Duration.ofMillis(20));
        });
        assertThat(left[0].isClosed()).isTrue();
        assertThat(left[1].isClosed()).isTrue();
        Conditions.await("both are given back").untilAsserted(() -> {
            assertThat(descriptorsOf(pipe)).isZero();
            assertThat(descriptorsOf(path)).isZero();
        });
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aClosedFileIsGivenBackAtOnce() throws Exception {
        Path path = file("hello");
        var closed = new ArrayList<WeakReference<FileStream>>();
        inLoop(loop -> {
            for (int i = 0; i < 100; i++) {
                FileStream file = FileStream.open(path);
                closed.add(new WeakReference<>(file));
                assertThat(file.readLine(10)).isEqualTo("hello");
                assertThat(descriptorsOf(path)).isOne();
                Thread.currentThread().interrupt(); // which does not keep it open
                file.close();
                assertThat(Thread.interrupted()).isTrue();
                assertThat(descriptorsOf(path)).isZero();
            }
            Conditions.await("nobody has them").until(() -> {
                System.gc();
                return closed.stream().allMatch(file -> file.refersTo(null));
            });
        });
    }

    /** Wherever the cancellation hits: while it opens, reads or closes. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void cancelledAtAnyMomentNothingStaysOpen() throws Exception {
        Path path = file("hello\n".repeat(100_000));
        Seeded.repeat(3, random -> {
            inLoop(loop -> {
                List<TaskFuture<?>> readers = new ArrayList<>();
                for (int i = 0; i < 200; i++) {
                    readers.add(loop.submit(() -> {
                        try (FileStream file = FileStream.open(path)) {
                            return file.readAll(1_000_000);
                        }
                    }));
                    if (random.generator().nextBoolean()) {
                        EventLoop.yieldNow();
                    }
                    readers.get(random.generator().nextInt(readers.size())).cancel(true);
                }
                readers.forEach(one -> one.cancel(true));
            });
            Conditions.await("all are given back").untilAsserted(() -> assertThat(descriptorsOf(path)).isZero());
        });
    }

    @Test
    void whatCannotBeIsNamed() throws Exception {
        Path missing = folder.resolve("missing");
        inLoop(loop -> {
            assertThatThrownBy(() -> FileStream.open(missing)).isInstanceOf(NoSuchFileException.class)
                    .hasMessageContaining("missing");
            assertThatThrownBy(() -> FileStream.readString(missing, 1)).isInstanceOf(NoSuchFileException.class);
            assertThatThrownBy(() -> FileStream.walk(missing, 1, (path, attributes) -> FileVisitResult.CONTINUE))
                    .isInstanceOf(NoSuchFileException.class);
            assertThatThrownBy(() -> FileStream.open(missing, StandardOpenOption.READ, StandardOpenOption.APPEND))
                    .isInstanceOf(IllegalArgumentException.class);
            try (FileStream readOnly = FileStream.open(file("x"))) {
                assertThatThrownBy(() -> readOnly.write("y")).isInstanceOf(IOException.class)
                        .hasMessageContaining(readOnly.toString());
                assertThat(readOnly.readLine(1)).isEqualTo("x");
            }
        });
    }

    /** Opening one waits for the other side, in a way that nothing can end. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void aNamedPipeIsNotOpenedForOneSide() throws Exception {
        Path pipe = pipe();
        inLoop(loop -> {
            assertThatThrownBy(() -> FileStream.open(pipe))
                    .isInstanceOf(FileSystemException.class)
                    .hasMessage(pipe + ": is a named pipe: open it for both reading and writing");
            assertThatThrownBy(() -> FileStream.open(pipe, StandardOpenOption.APPEND))
                    .isInstanceOf(FileSystemException.class);
            assertThatThrownBy(() -> FileStream.readString(pipe, 1)).isInstanceOf(FileSystemException.class);
            assertThatThrownBy(() -> FileStream.writeString(pipe, "x")).isInstanceOf(FileSystemException.class);
        });
    }

    // ---- walking ----

    private Path tree() throws IOException {
        Path root = Files.createDirectory(folder.resolve("tree"));
        for (String name : List.of("a", "a/b", "a/b/c", "d", "empty")) {
            Files.createDirectory(root.resolve(name));
        }
        for (String name : List.of("top", "a/one", "a/b/two", "a/b/c/three", "d/four")) {
            Files.writeString(root.resolve(name), name);
        }
        for (int i = 0; i < 1000; i++) { // in several pieces
            Files.createFile(root.resolve("d/many" + i));
        }
        return root;
    }

    @Test
    void walkFindsWhatFilesWalkFinds() throws Exception {
        Path root = tree();
        Files.createSymbolicLink(root.resolve("circle"), root);
        for (int depth = 0; depth < 6; depth++) {
            int most = depth;
            try (Stream<Path> paths = Files.walk(root, depth)) {
                var expected = paths.collect(Collectors.toCollection(TreeSet::new));
                List<Path> seen = new ArrayList<>();
                inLoop(loop -> FileStream.walk(root, most, (path, attributes) -> {
                    assertThat(attributes.isDirectory()).isEqualTo(Files.isDirectory(path) && !path.endsWith("circle"));
                    if (!path.equals(root)) {
                        assertThat(seen).contains(path.getParent()); // a folder comes first
                    }
                    seen.add(path);
                    return FileVisitResult.CONTINUE;
                }));
                assertThat(seen).doesNotHaveDuplicates().hasSameElementsAs(expected);
            }
        }
    }

    @Test
    void aWalkGoesWhereItIsTold() throws Exception {
        Path root = tree();
        inLoop(loop -> {
            var seen = new TreeSet<String>();
            FileStream.walk(root, 10, (path, attributes) -> {
                seen.add(root.relativize(path).toString());
                EventLoop.yieldNow();
                return path.endsWith("b")
                        ? FileVisitResult.SKIP_SUBTREE
                        : path.getFileName().toString().startsWith("many")
                                ? FileVisitResult.SKIP_SIBLINGS
                                : FileVisitResult.CONTINUE;
            });
            assertThat(seen).contains("", "a", "a/one", "a/b", "top", "empty").doesNotContain("a/b/c", "a/b/two");
            assertThat(seen.stream().filter(name -> name.startsWith("d/many")).count()).isOne();
            int[] count = {0};
            FileStream.walk(root, 10,
                    (path, attributes) -> ++count[0] == 7 ? FileVisitResult.TERMINATE : FileVisitResult.CONTINUE);
            assertThat(count[0]).isEqualTo(7);
            FileStream.walk(root.resolve("top"), 10, (path, attributes) -> {
                assertThat(attributes.size()).isEqualTo(3);
                return FileVisitResult.SKIP_SIBLINGS;
            });
            assertThatThrownBy(() -> FileStream.walk(root, -1, (path, attributes) -> FileVisitResult.CONTINUE))
                    .isInstanceOf(IllegalArgumentException.class);
        });
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aWalkThatEndsEarlyLeavesNoFolderOpen() throws Exception {
        Path root = tree();
        inLoop(loop -> {
            for (int i = 0; i < 20; i++) {
                assertThatThrownBy(() -> FileStream.walk(root, 10, (path, attributes) -> {
                    if (path.getFileName().toString().startsWith("many")) {
                        throw new NotDirectoryException("of the test");
                    }
                    return FileVisitResult.CONTINUE;
                })).hasMessage("of the test");
                TaskFuture<?> walker = loop.submit(() -> {
                    FileStream.walk(root, 10, (path, attributes) -> FileVisitResult.CONTINUE);
                    return null;
                });
                for (int j = 0; j < i; j++) {
                    EventLoop.yieldNow();
                }
                walker.cancel(true);
            }
        });
        Conditions.await("all are given back").untilAsserted(() -> {
            assertThat(descriptorsOf(root)).isZero();
            assertThat(descriptorsOf(root.resolve("d"))).isZero();
        });
    }

    // ---- noticing ----

    /** A coroutine that reads in the ordinary way; long before it has held the loop for as long as is allowed. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void anOrdinaryReadThatBlocksTheLoopIsNoticedSoon() throws Exception {
        Path pipe = pipe();
        BlockingQueue<BlockedCoroutine> told = new LinkedBlockingQueue<>();
        try (EventLoop loop = EventLoop.builder().mechanism(mechanism).watch(Duration.ofDays(1), told::add).open();
                var other = new RandomAccessFile(pipe.toFile(), "rw")) {
            TaskFuture<Integer> reader = loop.submit(() -> {
                try (var in = Files.newInputStream(pipe)) {
                    return in.read();
                }
            });
            BlockedCoroutine blocked = told.take();
            other.write('x');
            assertThat(reader.get()).isEqualTo('x');
            assertThat(blocked.held()).isLessThan(Duration.ofDays(1));
            assertThat(blocked.toString()).contains("in a call that blocks", "FileStream",
                    "anOrdinaryReadThatBlocksTheLoopIsNoticedSoon");
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void computingIsNotTakenForABlockingRead() throws Exception {
        Path pipe = pipe();
        BlockingQueue<BlockedCoroutine> told = new LinkedBlockingQueue<>();
        BlockingQueue<BlockedCoroutine> toldOfComputing = new LinkedBlockingQueue<>();
        var enough = new CountDownLatch(1);
        try (EventLoop computing =
                EventLoop.builder().mechanism(mechanism).watch(Duration.ofDays(1), toldOfComputing::add).open();
                EventLoop loop = EventLoop.builder().mechanism(mechanism).watch(Duration.ofDays(1), told::add).open();
                var other = new RandomAccessFile(pipe.toFile(), "rw")) {
            TaskFuture<?> computer = computing.submit(() -> {
                while (enough.getCount() > 0) {
                    Thread.onSpinWait();
                }
            });
            for (int i = 0; i < 3; i++) {
                TaskFuture<Integer> reader = loop.submit(() -> {
                    try (var in = Files.newInputStream(pipe)) {
                        return in.read();
                    }
                });
                told.take(); // so the other loop has been looked at as well
                other.write('x');
                reader.get();
            }
            enough.countDown();
            computer.get();
        }
        assertThat(toldOfComputing).isEmpty();
    }
}
