package dev.sennit.images;

import dev.sennit.images.internal.text.Printable;
import dev.sennit.images.internal.web.WebUri;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Set;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.function.Consumer;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/**
 * The images that a command's arguments name, one after another.
 *
 * {@snippet :
 * var list = new java.io.StringReader("photos\n# not today: more\nhttps://example.org/cat.jpg\n");
 * Sources.stream(java.util.List.of("-", "scans/**.png"), list, System.err::println)
 *         .forEach(source -> System.out.println(source.text()));
 * }
 *
 * <p>An argument may be:
 * <ul>
 *   <li><b>A file.</b> It is taken with any name.
 *   <li><b>A folder.</b> All files in and below it whose names have an extension of images. Symbolic links are
 *       followed; each folder is read once, so that loops end. Hidden files and folders - those that begin with a dot -
 *       are left out.
 *   <li><b>A pattern</b>, if there is no such file: {@code *}, {@code ?}, <code>{a,b}</code> and {@code [a-z]} within a
 *       name, {@code **} for any number of folders, as in {@link java.nio.file.FileSystem#getPathMatcher}. Hidden ones
 *       are found if that part of the pattern begins with a dot. Files are taken with any name; folders are read as
 *       above.
 *   <li><b>An address</b> that begins with {@code http://} or {@code https://}.
 *   <li><b>{@code -}</b>: a list of arguments, one a line. Empty lines and those that begin with {@code #} are left
 *       out.
 * </ul>
 *
 * <p>The order is that of the arguments; within a folder or pattern, that of the names by their character codes: the
 * same in every run. Each source comes once, however many arguments lead to it. The stream is lazy: it reads one folder
 * at a time when its turn comes, and the list line by line. It is for one thread at a time.
 *
 * <p>Each argument, file or folder that cannot be read is reported in one line, and the stream goes on. A file that is
 * deleted later, or is no image, is only noticed when it is read. If the reader of the list throws an
 * {@link InterruptedIOException}, the stream ends with it, in an {@link UncheckedIOException}.
 */
public final class Sources {
    /** More than any address or path has; a longer line means that this is no list. */
    private static final int LONGEST_LINE = 1 << 16;

    private Sources() {}

    /**
     * Returns the sources, in order.
     *
     * @param arguments the command's arguments
     * @param list the list for {@code -}; not closed
     * @param problems gets a line for each argument, file or folder that is left out because of a problem, in the
     *     thread that consumes the stream
     * @return a lazy stream
     */
    public static Stream<Source> stream(List<String> arguments, Reader list, Consumer<String> problems) {
        return stream(arguments, list, problems, null);
    }

    /**
     * Returns the sources, in order, except those in one folder, which is skipped wherever a folder or pattern leads to
     * it: the folder of the results, which may be within that of the sources.
     *
     * @param arguments the command's arguments
     * @param list the list for {@code -}; not closed
     * @param problems gets a line for each argument, file or folder that is left out because of a problem, in the
     *     thread that consumes the stream
     * @param leftOut the folder to skip; null for none
     * @return a lazy stream
     */
    public static Stream<Source> stream(
            List<String> arguments, Reader list, Consumer<String> problems, @Nullable Path leftOut) {
        Objects.requireNonNull(list, "list");
        Objects.requireNonNull(problems, "problems");
        var walk = new Walk(List.copyOf(arguments), list, problems, leftOut);
        return StreamSupport.stream(
                Spliterators.spliteratorUnknownSize(walk, Spliterator.ORDERED | Spliterator.NONNULL), false);
    }

    /** A step that is still to be done. */
    private sealed interface Step {
        /** An argument or a line of the list. */
        record Given(String text, boolean fromList) implements Step {}

        /** A folder, and the pattern for its content. */
        record Matching(Path folder, List<String> pattern) implements Step {}

        /** A path that a folder or pattern led to; not a pattern any more. */
        record Found(Path path, boolean byPattern) implements Step {}
    }

    /** The rest of a pattern, applied to a folder. */
    private record Look(Object folder, List<String> pattern) {}

    /** A depth-first walk: the steps that the last one led to are on top of the stack. */
    private static final class Walk implements Iterator<Source> {
        private final Reader list;
        private final Consumer<String> problems;
        private final Deque<Iterator<? extends Step>> steps = new ArrayDeque<>();
        private final @Nullable Path leftOut;
        private final Set<Object> foldersRead = new HashSet<>();
        private final Set<String> told = new HashSet<>();
        /** For the current pattern, as are the next two fields. */
        private final Set<Look> looked = new HashSet<>();
        /** Null once the pattern has found a file. */
        private @Nullable String pattern;
        /** The first steps of the pattern: when these are done, so are all that they led to. */
        private @Nullable Iterator<? extends Step> patternSteps;

        private @Nullable Source next;
        private Path lastFolder = Path.of("");
        /** The real path of {@code lastFolder}. */
        private Path lastPlace = lastFolder;

        Walk(List<String> arguments, Reader list, Consumer<String> problems, @Nullable Path leftOut) {
            this.leftOut = leftOut;
            this.list = list;
            this.problems = problems;
            steps.push(arguments.stream().map(text -> new Step.Given(text, false)).iterator());
        }

        @Override
        public boolean hasNext() {
            while (next == null && !steps.isEmpty()) {
                Iterator<? extends Step> top = steps.getFirst();
                if (!top.hasNext()) {
                    steps.pop();
                    if (top == patternSteps && pattern != null) {
                        problem(pattern, "no file matches; put the pattern in quotes, or correct it");
                    }
                    continue;
                }
                Source found = look(top.next());
                if (found != null && told.add(place(found))) {
                    next = found;
                }
            }
            return next != null;
        }

        @Override
        public Source next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            Source found = Objects.requireNonNull(next);
            next = null;
            return found;
        }

        /**
         * Returns the same text for all paths to a source through links between folders; a link to a file is another
         * file.
         */
        private String place(Source source) {
            if (source instanceof Source.LocalFile(Path path)) {
                Path folder = Objects.requireNonNull(path.toAbsolutePath().getParent());
                if (!folder.equals(lastFolder)) {
                    lastFolder = folder;
                    try {
                        lastPlace = folder.toRealPath();
                    } catch (IOException e) {
                        lastPlace = folder; // the folder was just deleted
                    }
                }
                return lastPlace.resolve(path.getFileName()).toString();
            }
            return FileNames.identity(source);
        }

        /** Takes one step; returns a source, or null if it led to further steps or to nothing. */
        private @Nullable Source look(Step step) {
            return switch (step) {
                case Step.Given given -> argument(given);
                case Step.Matching matching -> {
                    match(matching);
                    yield null;
                }
                case Step.Found found -> file(found.path(), found.byPattern());
            };
        }

        private @Nullable Source argument(Step.Given given) {
            String text = given.text();
            if (text.equals("-") && !given.fromList()) {
                steps.push(new Lines(list, problems));
                return null;
            }
            if (WebUri.isMeant(text)) {
                try {
                    return new Source.WebAddress(WebUri.parse(text));
                } catch (IllegalArgumentException e) {
                    return problem(text, String.valueOf(e.getMessage()));
                }
            }
            if (text.contains("://")) {
                return problem(text, "neither http nor https; give an address of these, or a path");
            }
            if (text.isEmpty()) {
                return problem("\"\"", "an empty name; leave it out");
            }
            try {
                if (!isPattern(text) || exists(text)) {
                    return file(Path.of(text), true);
                }
                begin(text);
            } catch (InvalidPathException e) {
                return problem(text, "no path can have this name; correct it");
            } catch (PatternSyntaxException e) {
                return problem(text, "not a pattern: " + e.getDescription() + "; correct it");
            }
            return null;
        }

        private static boolean exists(String text) {
            try {
                return Files.exists(Path.of(text), LinkOption.NOFOLLOW_LINKS);
            } catch (InvalidPathException e) {
                return false; // Windows has no names with stars
            }
        }

        private void begin(String text) {
            // "**.png" is any number of folders and then "*.png"
            List<String> parts =
                    new ArrayList<>(Arrays.asList(text.replaceAll("(^|/)\\*\\*+(?=[^/])", "$1**/*").split("/+")));
            Path folder = Path.of(text.startsWith("/") ? "/" : "");
            if (text.startsWith("/")) {
                parts.removeFirst();
            }
            while (!isPattern(parts.getFirst())) {
                folder = folder.resolve(parts.removeFirst());
            }
            parts.forEach(Walk::matcher); // refuses malformed patterns
            looked.clear();
            var first = List.of(new Step.Matching(folder, List.copyOf(parts))).iterator();
            steps.push(first);
            pattern = text;
            patternSteps = first;
        }

        /** Applies one part of a pattern to a folder. */
        private void match(Step.Matching matching) {
            String part = matching.pattern().getFirst();
            List<String> rest = matching.pattern().subList(1, matching.pattern().size());
            Object key = keyOf(matching.folder());
            if (isLeftOut(key) || !looked.add(new Look(key, matching.pattern()))) {
                return; // links lead here a second time, and would find nothing new
            }
            List<Path> entries = read(matching.folder());
            if (entries == null) {
                return;
            }
            List<Step> found = new ArrayList<>();
            boolean deep = part.equals("**");
            if (deep && !rest.isEmpty()) {
                found.add(new Step.Matching(matching.folder(), rest)); // ** also matches no folder at all
            }
            PathMatcher matcher = matcher(part);
            for (Path entry : entries) {
                Path name = Objects.requireNonNull(entry.getFileName());
                if (isHidden(name) && !part.startsWith(".") || !matcher.matches(name)) {
                    continue;
                }
                if (deep && Files.isDirectory(entry)) {
                    found.add(new Step.Matching(entry, matching.pattern()));
                } else if (rest.isEmpty()) {
                    found.add(new Step.Found(entry, true));
                } else if (!deep && Files.isDirectory(entry)) {
                    found.add(new Step.Matching(entry, rest));
                }
            }
            if (found.stream().anyMatch(Step.Found.class::isInstance)) {
                pattern = null;
            }
            steps.push(found.iterator());
        }

        /**
         * Returns whether a folder is the one to skip. That may be created or replaced while the stream is read, so its
         * key is read each time.
         */
        private boolean isLeftOut(Object key) {
            return leftOut != null && key.equals(keyOf(leftOut));
        }

        private static Object keyOf(Path folder) {
            try {
                Object key = Files.readAttributes(folder, BasicFileAttributes.class).fileKey();
                if (key != null) {
                    return key;
                }
            } catch (IOException e) {
                // reading the folder will report it
            }
            return folder.toAbsolutePath().normalize();
        }

        private @Nullable Source file(Path path, boolean whateverItsName) {
            BasicFileAttributes attributes;
            try {
                attributes = Files.readAttributes(path, BasicFileAttributes.class);
            } catch (NoSuchFileException e) {
                boolean dangling = Files.isSymbolicLink(path);
                return problem(path,
                        dangling ? "a link to nothing; mend or remove it" : "no such file; correct the path");
            } catch (IOException e) {
                return problem(path, "cannot be read: " + Printable.reason(e) + "; make it readable");
            }
            if (attributes.isDirectory()) {
                folder(path);
                return null;
            }
            if (!whateverItsName && !FileNames.endsLikeImage(path)) {
                return null;
            }
            if (!attributes.isRegularFile()) {
                return problem(path, "not a file; give a file or a folder");
            }
            if (!Files.isReadable(path)) {
                return problem(path, "cannot be read: permission denied; make it readable");
            }
            return new Source.LocalFile(path);
        }

        private void folder(Path folder) {
            Object key = keyOf(folder);
            if (isLeftOut(key) || !foldersRead.add(key)) {
                return;
            }
            List<Path> entries = read(folder);
            if (entries != null) {
                steps.push(entries.stream()
                        .filter(entry -> !isHidden(Objects.requireNonNull(entry.getFileName())))
                        .map(entry -> new Step.Found(entry, false))
                        .iterator());
            }
        }

        private @Nullable List<Path> read(Path folder) {
            List<Path> entries = new ArrayList<>();
            try (DirectoryStream<Path> all = Files.newDirectoryStream(folder)) {
                all.forEach(entries::add);
            } catch (DirectoryIteratorException e) {
                return unreadable(folder, Objects.requireNonNull(e.getCause()));
            } catch (NoSuchFileException | NotDirectoryException e) {
                return Collections.emptyList(); // only a pattern asks for a folder that may not exist: nothing matches
            } catch (IOException e) {
                return unreadable(folder, e);
            }
            entries.sort(Comparator.comparing(entry -> String.valueOf(entry.getFileName())));
            return entries;
        }

        private @Nullable List<Path> unreadable(Path folder, IOException failure) {
            problem(folder, "cannot be read: " + Printable.reason(failure) + "; make it readable");
            return null;
        }

        private static boolean isPattern(String text) {
            return text.chars().anyMatch(c -> "*?[{".indexOf(c) >= 0);
        }

        private static PathMatcher matcher(String part) {
            return FileSystems.getDefault().getPathMatcher("glob:" + part);
        }

        private static boolean isHidden(Path name) {
            return name.toString().startsWith(".");
        }

        private @Nullable Source problem(Path path, String what) {
            return problem(path.toString(), what);
        }

        private @Nullable Source problem(String where, String what) {
            problems.accept(Printable.text(where) + ": " + what);
            return null;
        }
    }

    /** The lines of a list, read lazily. */
    private static final class Lines implements Iterator<Step> {
        private final BufferedReader lines;
        private final Consumer<String> problems;
        private @Nullable String next;

        Lines(Reader list, Consumer<String> problems) {
            this.lines = new BufferedReader(list);
            this.problems = problems;
        }

        @Override
        public boolean hasNext() {
            try {
                while (next == null) {
                    String line = read();
                    if (line == null) {
                        return false;
                    }
                    String given = line.replace("\uFEFF", "").strip();
                    if (!given.isEmpty() && !given.startsWith("#")) {
                        next = given;
                    }
                }
                return true;
            } catch (InterruptedIOException e) { // the consumer wants no more
                throw new UncheckedIOException(e);
            } catch (IOException e) {
                problems.accept("-: the list cannot be read any further: " + Printable.reason(e) + "; give it again");
                return false;
            }
        }

        private @Nullable String read() throws IOException {
            var line = new StringBuilder();
            for (int c = lines.read(); c >= 0; c = lines.read()) {
                if (c == '\n') {
                    return line.toString();
                }
                if (line.length() == LONGEST_LINE) {
                    throw new IOException("a line is longer than " + LONGEST_LINE + " characters");
                }
                line.append((char) c);
            }
            return line.isEmpty() ? null : line.toString();
        }

        @Override
        public Step next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            String given = Objects.requireNonNull(next);
            next = null;
            return new Step.Given(given, true);
        }
    }
}
