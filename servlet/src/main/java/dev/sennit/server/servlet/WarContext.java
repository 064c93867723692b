package dev.sennit.server.servlet;

import java.net.URL;
import java.nio.file.Path;
import org.eclipse.jetty.ee11.webapp.WebAppContext;

/**
 * A WAR. Its classes come first, and of the worker's it sees the JDK's and those of the Jakarta specifications that the
 * server implements: the server itself, and all else on the class path, do not exist for it.
 */
final class WarContext extends WebAppContext {
    /** Names the implementation of {@code java:comp}, which is Jetty's. */
    private static final String NAMING = "jndi.properties";

    private static final ClassLoader PLATFORM = ClassLoader.getPlatformClassLoader();

    WarContext(Path war, Path work) {
        setWar(war.toString());
        setTempDirectory(work.toFile());
        setTempDirectoryPersistent(true); // its owner removes it
        setExtractWAR(true);
        setCopyWebInf(true); // so that those of a folder do not change below a worker either
        setThrowUnavailableOnStartupException(true);
        setLogUrlOnStart(false);
        setErrorHandler(new ErrorPages());
    }

    @Override
    public boolean isHiddenClass(Class<?> type) {
        ClassLoader loader = type.getClassLoader();
        if (loader == null || loader == PLATFORM || isOfServer(type.getName())) {
            return false;
        }
        // Of Jetty's own, such as its Servlet for files, some act in the name of the application.
        return !type.getName().startsWith("org.eclipse.jetty.") || super.isHiddenClass(type);
    }

    @Override
    public boolean isHiddenResource(String name, URL url) {
        if (url.getProtocol().equals("jrt") || name.equals(NAMING) || name.startsWith("META-INF/services/jakarta.")
                || isOfServer(name.replace('/', '.'))) {
            return false;
        }
        return !name.startsWith("org/eclipse/jetty/") || super.isHiddenResource(name, url);
    }

    private static boolean isOfServer(String name) {
        return name.startsWith("jakarta.");
    }
}
