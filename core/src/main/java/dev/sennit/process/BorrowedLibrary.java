package dev.sennit.process;

import dev.sennit.WorkerStartException;
import dev.sennit.codec.LoaderNumbers;
import dev.sennit.internal.boot.BorrowedMain;
import dev.sennit.internal.boot.ParentClasses;
import dev.sennit.internal.machine.MeetingFolder;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * How a worker is started whose class path cannot have this library, as it is none of the files on this JVM's own: it
 * lies in a jar in a jar, as Spring Boot's, or has come through the class loader of a plugin, a container or a build
 * tool.
 *
 * <p>Such a worker starts with the package of {@link BorrowedMain} alone, and has all else from here. The jar with that
 * package lies in the {@link MeetingFolder}, and goes with it.
 */
final class BorrowedLibrary {
    /** Begins what stands in a worker's arguments for the class path and the main, until its folder is known. */
    static final String MARK = "sennit-library-of-";

    private BorrowedLibrary() {}

    /** Whether workers cannot have this library from a class path or module path. */
    static boolean isNeeded() {
        return WorkerMain.class.getClassLoader() != ClassLoader.getSystemClassLoader();
    }

    /**
     * The arguments of a worker for {@link #placedIn}.
     *
     * @throws WorkerStartException if the library cannot be handed over either
     */
    static List<String> arguments(Class<?> main) {
        try {
            open(BorrowedMain.class).close();
            return List.of(MARK + LoaderNumbers.of(main), main.getName());
        } catch (IOException e) {
            throw new WorkerStartException(
                    "workers cannot be started: Sennit was loaded by " + WorkerMain.class.getClassLoader()
                            + ", which does not give away its class files; put the jar on the class path of the JVM, "
                            + "or name it with ProcessPool.builder().classPath(...)",
                    e);
        }
    }

    /** From the loader of the library: in a worker that has borrowed it, these classes come from a jar that is gone. */
    private static InputStream open(Class<?> type) throws IOException {
        InputStream in = WorkerMain.class.getClassLoader().getResourceAsStream(fileOf(type));
        if (in == null) {
            throw new IOException("no resource is the class " + type.getName());
        }
        return in;
    }

    private static String fileOf(Class<?> type) {
        return type.getName().replace('.', '/') + ".class";
    }

    /** The arguments as they are in a folder: with a jar there, where they have a mark; else the same. */
    static List<String> placedIn(Path folder, List<String> arguments) throws IOException {
        int main = arguments.size() - 2;
        if (main < 0 || !arguments.get(main).startsWith(MARK)) {
            return arguments;
        }
        Path jar = folder.resolve(MeetingFolder.LIBRARY);
        write(jar);
        List<String> placed = new ArrayList<>(arguments.subList(0, main));
        placed.addAll(List.of("--class-path", jar.toString(), BorrowedMain.class.getName()));
        placed.add(folder.resolve(MeetingFolder.SOCKET).toString());
        placed.add(arguments.get(main).substring(MARK.length()));
        placed.add(arguments.get(main + 1));
        return placed;
    }

    private static void write(Path jar) throws IOException {
        try (var out = new ZipOutputStream(Files.newOutputStream(jar))) {
            out.setLevel(0); // read once, at once
            for (Class<?> host : List.of(BorrowedMain.class, ParentClasses.class, ParentClasses.loader(0).getClass())) {
                for (Class<?> type : host.getNestMembers()) {
                    out.putNextEntry(new ZipEntry(fileOf(type)));
                    try (InputStream in = open(type)) {
                        in.transferTo(out);
                    }
                }
            }
        }
    }
}
