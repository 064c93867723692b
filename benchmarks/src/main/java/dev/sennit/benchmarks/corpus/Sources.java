package dev.sennit.benchmarks.corpus;

import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.util.JavacTask;
import com.sun.source.util.Trees;
import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.MethodModel;
import java.lang.reflect.AccessFlag;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.jspecify.annotations.Nullable;

/** The Java sources of a corpus: reads, changes and compiles them. What does not compile is left out, and told. */
final class Sources {
    private static final JavaCompiler COMPILER = ToolProvider.getSystemJavaCompiler();
    private static final Set<String> MAINS = Set.of("([Ljava/lang/String;)V", "()V");
    /** Sources are old, and may have names in any of these bytes. */
    private static final Charset CHARSET = StandardCharsets.ISO_8859_1;

    private final List<Path> files;
    private final String classPath;

    private Sources(List<Path> files, String classPath) {
        this.files = files;
        this.classPath = classPath;
    }

    /** All sources below a folder, to be compiled with this beside them. */
    static Sources in(Path folder, String classPath) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            List<Path> files = all.filter(file -> file.getFileName().toString().endsWith(".java"))
                    .filter(file -> !file.endsWith("module-info.java"))
                    .sorted()
                    .toList();
            return new Sources(files, classPath);
        }
    }

    boolean isEmpty() {
        return files.isEmpty();
    }

    /** Writes the same sources, with virtual threads, into a folder. */
    Sources withVirtualThreads(Path target) throws IOException {
        List<Path> changed = new ArrayList<>();
        try (StandardJavaFileManager manager = manager()) {
            var task = (JavacTask) COMPILER.getTask(
                    null, manager, new DiagnosticCollector<>(), List.of("-proc:none"), null,
                    manager.getJavaFileObjectsFromPaths(files));
            var positions = Trees.instance(task).getSourcePositions();
            for (CompilationUnitTree unit : task.parse()) {
                // A folder for each: files of the same name may have other packages than their folders say.
                Path file = target.resolve(String.valueOf(changed.size()))
                        .resolve(Path.of(unit.getSourceFile().getName()).getFileName());
                Files.createDirectories(file.getParent());
                String source = unit.getSourceFile().getCharContent(true).toString();
                changed.add(Files.writeString(file, VirtualThreads.in(unit, positions, source), CHARSET));
            }
        }
        return new Sources(changed, classPath);
    }

    /**
     * Compiles all into a folder.
     *
     * @return the first error of each file that is left out, by the name of the file
     */
    Map<String, String> compile(Path target) throws IOException {
        Map<String, String> leftOut = new TreeMap<>();
        List<Path> left = new ArrayList<>(files);
        while (!left.isEmpty()) {
            Map<Path, String> errors = errors(left, target);
            if (errors.isEmpty()) {
                break;
            }
            errors.forEach((file, error) -> leftOut.put(file.getFileName().toString(), error));
            if (!left.removeAll(errors.keySet())) {
                throw new IOException("javac: " + String.join("; ", errors.values()));
            }
        }
        return leftOut;
    }

    /** Empty if these files were compiled. */
    private Map<Path, String> errors(List<Path> chosen, Path target) throws IOException {
        var told = new DiagnosticCollector<JavaFileObject>();
        try (StandardJavaFileManager manager = manager()) {
            boolean done = COMPILER.getTask(
                    null, manager, told,
                    List.of("-proc:none", "-nowarn", "-g", "-Xmaxerrs", "10000", "-encoding", CHARSET.name(), "-d",
                            target.toString(), "-classpath", classPath),
                    null, manager.getJavaFileObjectsFromPaths(chosen)).call();
            Map<Path, String> errors = new TreeMap<>();
            for (Diagnostic<? extends JavaFileObject> each : told.getDiagnostics()) {
                if (each.getKind() == Diagnostic.Kind.ERROR) {
                    errors.putIfAbsent(fileOf(each), each.getLineNumber() + ": " + firstLine(each));
                }
            }
            if (!done && errors.isEmpty()) {
                throw new IOException("javac failed, and did not say why");
            }
            return errors;
        }
    }

    private static Path fileOf(Diagnostic<? extends JavaFileObject> error) {
        JavaFileObject file = error.getSource();
        return file == null ? Path.of("") : Path.of(file.toUri());
    }

    private static String firstLine(Diagnostic<?> error) {
        return error.getMessage(Locale.ROOT).lines().findFirst().orElse("");
    }

    private static StandardJavaFileManager manager() {
        return COMPILER.getStandardFileManager(null, Locale.ROOT, CHARSET);
    }

    /** What is found in compiled classes. */
    record Compiled(Set<String> mains, Set<String> prefixes) {
        static Compiled in(Path folder) throws IOException {
            Set<String> mains = new TreeSet<>();
            Set<String> prefixes = new TreeSet<>();
            List<Path> files;
            try (Stream<Path> all = Files.walk(folder)) {
                files = all.filter(file -> file.toString().endsWith(".class")).toList();
            }
            for (Path file : files) {
                ClassModel model = ClassFile.of().parse(file);
                String name = model.thisClass().asInternalName().replace('/', '.');
                int dot = name.lastIndexOf('.');
                int dollar = name.indexOf('$');
                prefixes.add(dot >= 0 ? name.substring(0, dot + 1) : dollar > 0 ? name.substring(0, dollar) : name);
                if (model.methods().stream().anyMatch(Compiled::isMain)) {
                    mains.add(name);
                }
            }
            return new Compiled(mains, prefixes);
        }

        private static boolean isMain(MethodModel method) {
            return method.methodName().equalsString("main")
                    && method.flags().has(AccessFlag.STATIC)
                    && MAINS.contains(method.methodType().stringValue());
        }
    }
}
