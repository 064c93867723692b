package dev.sennit.images;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.Reader;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SourcesTest {
    @TempDir
    private Path folder;

    private final List<String> problems = new ArrayList<>();

    private Path make(String... files) throws IOException {
        for (String file : files) {
            Path path = folder.resolve(file);
            Files.createDirectories(path.getParent());
            Files.createFile(path);
        }
        return folder;
    }

    /** What is found, within the folder. */
    private List<String> found(String list, String... arguments) {
        return Sources.stream(List.of(arguments), new StringReader(list), this::problem)
                .map(source -> source.text().replace(folder + "/", ""))
                .toList();
    }

    private void problem(String line) {
        problems.add(line.replace(folder + "/", ""));
    }

    private String in(String path) {
        return folder + "/" + path;
    }

    @Test
    void filesWhateverTheirNames() throws Exception {
        make("b.jpg", "notes.txt", ".hidden");
        assertThat(found("", in("notes.txt"), in("b.jpg"), in(".hidden"))).containsExactly("notes.txt", "b.jpg",
                ".hidden");
        assertThat(problems).isEmpty();
    }

    @Test
    void oneFolderIsLeftOutHoweverOneComesToIt() throws Exception {
        make("a.jpg", "small/a_10.jpg", "small/more/b_10.jpg", "z/c.jpg");
        Files.createSymbolicLink(folder.resolve("z/link"), folder.resolve("small"));
        Path small = folder.resolve("z/../small");
        for (String argument : List.of("", "/**.jpg", "/*/*.jpg", "/**/*.jpg")) {
            assertThat(Sources.stream(List.of(folder + argument), Reader.nullReader(), this::problem, small)
                    .map(Source::text))
                    .as(argument)
                    .noneMatch(text -> text.contains("_10"))
                    .anyMatch(text -> text.endsWith("/c.jpg"));
        }
    }

    @Test
    void aFolderThatIsMadeMeanwhileIsLeftOutToo() throws Exception {
        make("a.jpg", "z/c.jpg");
        var sources = Sources.stream(
                List.of(folder.toString(), in("*/*.jpg")), Reader.nullReader(), this::problem,
                folder.resolve("small"))
                .iterator();
        assertThat(sources.next().text()).endsWith("/a.jpg");

        make("small/a_10.jpg");

        assertThat(sources.next().text()).endsWith("/c.jpg");
        assertThat(sources).isExhausted();
    }

    @Test
    void foldersInTheOrderOfNames() throws Exception {
        make("z.jpg", "b/2.PNG", "b/10.webp", "b/a/x.gif", "a.jpeg", "notes.txt", ".git/x.jpg", "b/.x.jpg", "B.tiff");
        assertThat(found("", folder.toString())).containsExactly("B.tiff", "a.jpeg", "b/10.webp", "b/2.PNG",
                "b/a/x.gif", "z.jpg");
        assertThat(found("", in(".git"))).containsExactly(".git/x.jpg");
        assertThat(problems).isEmpty();
    }

    @Test
    void eachSourceOnce() throws Exception {
        make("a.jpg", "b.jpg");
        assertThat(found("http://x.example/1\nhttp://X.example:/1#a\n", in("b.jpg"), folder.toString(),
                in("../" + folder.getFileName() + "/a.jpg"), "-"))
                .containsExactly("b.jpg", "a.jpg", "http://x.example/1");
    }

    @Test
    void loopsOfLinksEnd() throws Exception {
        make("a/x.jpg", "b/y.jpg");
        Files.createSymbolicLink(folder.resolve("a/up"), folder);
        Files.createSymbolicLink(folder.resolve("a/self"), Path.of("."));
        Files.createSymbolicLink(folder.resolve("a/b"), folder.resolve("b"));
        Files.createSymbolicLink(folder.resolve("b/a"), folder.resolve("a"));
        Files.createSymbolicLink(folder.resolve("b/round.jpg"), Path.of("round.jpg"));
        assertThat(found("", folder.toString())).containsExactly("a/b/y.jpg", "a/x.jpg");
        assertThat(problems).singleElement().asString().startsWith("a/b/round.jpg: ").hasLineCount(1);
        problems.clear();
        assertThat(found("", in("**.jpg"))).contains("a/x.jpg");
        assertThat(found("", in("**/*.jpg")).stream().filter(name -> name.endsWith("x.jpg"))).hasSize(1);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "*.jpg            | a.jpg c.jpg",
        "?.jpg            | a.jpg c.jpg",
        "*                | a.jpg b.txt c.jpg d/e.jpg d/f/g.jpg", // a folder that a pattern leads to is read as one
        "d/*              | d/e.jpg d/n.txt d/f/g.jpg",
        "[ab].*           | a.jpg b.txt",
        "{a,b,x}.{jpg,txt}| a.jpg b.txt",
        "**/*.jpg         | a.jpg c.jpg d/e.jpg d/f/g.jpg",
        "**.jpg           | a.jpg c.jpg d/e.jpg d/f/g.jpg",
        "d/**             | d/e.jpg d/f/g.jpg d/n.txt",
        "**/f/*           | d/f/g.jpg",
        "*/*/g.jpg        | d/f/g.jpg",
        ".*/*             | .h/i.jpg",
    })
    void patterns(String pattern, String expected) throws Exception {
        make("c.jpg", "a.jpg", "b.txt", "d/e.jpg", "d/n.txt", "d/f/g.jpg", ".h/i.jpg", "d/.j.jpg");
        assertThat(found("", in(pattern))).containsExactlyInAnyOrder(expected.split(" ")).doesNotHaveDuplicates();
        assertThat(found("", in(pattern))).isEqualTo(found("", in(pattern)));
        assertThat(problems).isEmpty();
    }

    @Test
    void aFileOfThatNameComesBeforeThePattern() throws Exception {
        make("a[1].jpg", "a1.jpg", "*");
        assertThat(found("", in("a[1].jpg"), in("*"))).containsExactly("a[1].jpg", "*");
    }

    @Test
    void theListIsReadLineByLine() throws Exception {
        make("a.jpg", "b c.jpg", "d/e.jpg");
        String list = "\uFEFF# all of it\n" + in("b c.jpg") + "\r\n\n   \n" + in("d")
                + "\n  # no more\nhttp://x.example/#y\n" + in("*.jpg");
        assertThat(found(list, "-")).containsExactly("b c.jpg", "d/e.jpg", "http://x.example/", "a.jpg");
        assertThat(found(list, "-", "-")).hasSize(4);
        assertThat(problems).isEmpty();
        assertThat(found("-\n", "-")).isEmpty(); // it does not lead to itself
        assertThat(problems).containsExactly("-: no such file; correct the path");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "gone.jpg        | gone.jpg: no such file; correct the path",
        "a.jpg/x         | a.jpg/x: ",
        "no*.jpg         | no*.jpg: no file matches; put the pattern in quotes, or correct it",
        "gone/*.jpg      | gone/*.jpg: no file matches; put the pattern in quotes, or correct it",
        "x[.jpg          | x[.jpg: not a pattern: ",
        "link            | link: a link to nothing; mend or remove it",
    })
    void whatIsWrongIsToldAndTheRestGoesOn(String argument, String line) throws Exception {
        make("a.jpg");
        Files.createSymbolicLink(folder.resolve("link"), folder.resolve("nothing"));
        assertThat(found("", in(argument), in("a.jpg"))).containsExactly("a.jpg");
        assertThat(problems).singleElement().asString().startsWith(line).hasLineCount(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"ftp://example.org/x", "file:///etc/passwd", "http://", "http://2130706433/",
        "https://u:p@example.org/", "", "a\0b", "a\0b/*", "*\0"})
    void whatIsNeitherAddressNorPathIsTold(String argument) throws Exception {
        make("a.jpg");
        assertThat(found("", argument, in("a.jpg"))).containsExactly("a.jpg");
        assertThat(problems).singleElement().asString().hasLineCount(1).doesNotContain("\0");
    }

    @Test
    void controlCharactersInNamesDoNotReachTheTerminal() throws Exception {
        assertThat(found("", in("\u001bcred\n.jpg"))).isEmpty();
        assertThat(problems).containsExactly("?cred?.jpg: no such file; correct the path");
    }

    @Test
    void foldersAndListsAreReadWhenTheirTurnComes() throws Exception {
        make("a/1.jpg", "b/2.jpg");
        Reader list = new Reader() {
            private final StringReader lines = new StringReader(in("b") + "\n");
            private int calls;

            @Override
            public int read(char[] buffer, int offset, int length) throws IOException {
                if (calls++ > 0) {
                    throw new IOException("torn");
                }
                return lines.read(buffer, offset, length);
            }

            @Override
            public void close() {
                throw new AssertionError("it is not ours");
            }
        };
        var sources = Sources.stream(List.of(in("a"), "-"), list, this::problem).iterator();
        assertThat(sources.next().text()).endsWith("a/1.jpg");
        make("b/3.jpg");
        assertThat(sources.next().text()).endsWith("b/2.jpg");
        assertThat(sources.next().text()).endsWith("b/3.jpg");
        assertThat(sources.hasNext()).isFalse();
        assertThat(problems).containsExactly("-: the list cannot be read any further: torn; give it again");
    }

    @Test
    void aListWithoutLineEndsIsNone() {
        assertThat(found("x".repeat(100_000), "-")).isEmpty();
        assertThat(problems).singleElement().asString().contains("a line is longer than 65536 characters");
    }

    @Test
    void endlessListsDoNotHurt() {
        Stream<Source> first = Sources.stream(
                List.of("-"),
                new Reader() {
                    private int number;

                    @Override
                    public int read(char[] buffer, int offset, int length) {
                        String line = "http://x.example/" + number++ + "\n";
                        line.getChars(0, line.length(), buffer, offset);
                        return line.length();
                    }

                    @Override
                    public void close() {}
                },
                this::problem)
                .limit(1000);
        assertThat(first.map(Source::text))
                .containsExactlyElementsOf(IntStream.range(0, 1000).mapToObj(i -> "http://x.example/" + i).toList());
    }

    /** Folders with random links between them: it ends, finds all, and nothing twice. */
    @Test
    void anyTangleOfLinksEnds(@TempDir Path root) {
        Seeded.repeat(10, random -> {
            Path tangle = Files.createDirectory(root.resolve("t" + random.seed()));
            List<Path> folders = new ArrayList<>(List.of(tangle));
            for (int i = 0; i < 8; i++) {
                Path in = folders.get(random.generator().nextInt(folders.size()));
                folders.add(Files.createDirectory(in.resolve("f" + i)));
                Files.createFile(in.resolve(i + ".jpg"));
            }
            for (int i = 0; i < 12; i++) {
                Path from = folders.get(random.generator().nextInt(folders.size()));
                Path to = folders.get(random.generator().nextInt(folders.size()));
                Files.createSymbolicLink(from.resolve("link" + i), to);
            }
            for (String argument : List.of(tangle.toString(), tangle + "/**.jpg", tangle + "/**/*")) {
                List<Path> real = new ArrayList<>();
                for (Source source : Sources.stream(List.of(argument), Reader.nullReader(), this::problem).toList()) {
                    real.add(((Source.LocalFile) source).path().toRealPath());
                }
                assertThat(real).as(argument).hasSize(8).doesNotHaveDuplicates();
            }
            assertThat(problems).isEmpty();
        });
    }
}
