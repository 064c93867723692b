package dev.sennit.images.internal.codec;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;

/** Loads libraries and finds their functions, for the native codecs. Only to be used if {@link #isEnabled}. */
@SuppressWarnings("restricted") // asked for by isEnabled
public final class NativeCode {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final int MFD_CLOEXEC = 1;

    private NativeCode() {}

    /** Returns whether the JVM allows native access without a warning. */
    public static boolean isEnabled() {
        return System.getProperty("os.name", "").equals("Linux")
                && NativeCode.class.getModule().isNativeAccessEnabled();
    }

    /** Returns a library of the system, which stays loaded as long as the JVM runs. */
    public static SymbolLookup systemLibrary(String name) {
        return SymbolLookup.libraryLookup(name, Arena.global());
    }

    /**
     * Returns a library from a jar, which stays loaded as long as the JVM runs. It is loaded from a memory file without
     * a name, so that no file is left behind when the JVM is killed, and a folder for temporary files that forbids
     * execution does not matter.
     */
    public static SymbolLookup bundledLibrary(String resource) throws Throwable {
        try (InputStream library = NativeCode.class.getClassLoader().getResourceAsStream(resource);
                Arena arena = Arena.ofConfined()) {
            if (library == null) {
                throw new IOException(resource + " is not on the class path");
            }
            SymbolLookup system = LINKER.defaultLookup();
            int descriptor = (int) function(system, "memfd_create", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT))
                    .invokeExact(arena.allocateFrom("sennit-images"), MFD_CLOEXEC);
            String path = "/proc/self/fd/" + descriptor;
            try {
                try (OutputStream memory = Files.newOutputStream(Path.of(path))) {
                    library.transferTo(memory);
                }
                return systemLibrary(path); // by name, as a Path would be resolved to a file that does not exist
            } finally {
                int ignored = (int) function(system, "close", FunctionDescriptor.of(JAVA_INT, JAVA_INT))
                        .invokeExact(descriptor);
            }
        }
    }

    public static MethodHandle function(SymbolLookup library, String name, FunctionDescriptor type) {
        return LINKER.downcallHandle(library.findOrThrow(name), type);
    }

    public static MethodHandle function(SymbolLookup library, String name, MemoryLayout result,
            MemoryLayout... arguments) {
        return function(library, name, FunctionDescriptor.of(result, arguments));
    }

    public static MethodHandle procedure(SymbolLookup library, String name, MemoryLayout... arguments) {
        return function(library, name, FunctionDescriptor.ofVoid(arguments));
    }

    public static RuntimeException unexpected(Throwable e) {
        if (e instanceof Error error) {
            throw error;
        }
        return e instanceof RuntimeException runtime ? runtime : new IllegalStateException(e);
    }
}
