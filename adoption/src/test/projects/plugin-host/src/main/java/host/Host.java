package host;

import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ServiceLoader;

/** Loads a plugin from a jar, and runs it. */
public final class Host {
    private Host() {}

    public static void main(String[] arguments) throws Exception {
        URL plugin = Path.of(arguments[0]).toUri().toURL();
        try (URLClassLoader loader = new URLClassLoader(new URL[] {plugin}, Host.class.getClassLoader())) {
            ServiceLoader.load(Runnable.class, loader).forEach(Runnable::run);
        }
    }
}
