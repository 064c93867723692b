package dev.sennit.cli.services;

import com.sun.net.httpserver.HttpHandler;
import dev.sennit.server.WebApplication;
import dev.sennit.service.Service;
import jakarta.servlet.Servlet;
import java.io.IOException;
import java.lang.reflect.Constructor;
import java.lang.reflect.Modifier;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.zip.ZipFile;
import org.jspecify.annotations.Nullable;

/** Looks whether a class can be a service or an application, by the rules of its start. None of its code runs. */
final class ServiceClass {
    private ServiceClass() {}

    /** Returns what is wrong, and what to do; null if nothing is. */
    static @Nullable String obstacle(String name, List<Path> classPath) {
        return obstacle(name, classPath, List.of(Service.class));
    }

    /** Returns what is wrong with an application of a server; null if nothing is. */
    static @Nullable String obstacleOfApplication(String name, List<Path> classPath) {
        return obstacle(name, classPath, List.of(WebApplication.class, HttpHandler.class, Servlet.class));
    }

    /** Returns whether a class is there, and a Servlet. */
    static boolean isServlet(String name, List<Path> classPath) {
        return obstacle(name, classPath, List.of(Servlet.class)) == null;
    }

    private static @Nullable String obstacle(String name, List<Path> classPath, List<Class<?>> kinds) {
        for (Path part : classPath) {
            if (!Files.isDirectory(part)) {
                try (var _ = new ZipFile(part.toFile())) {
                    // to open it is all
                } catch (IOException e) {
                    return "jar " + part + " of its class path cannot be read (" + e.getMessage()
                            + "); build or copy it again";
                }
            }
        }
        try (var loader = new URLClassLoader(
                classPath.stream().map(ServiceClass::url).toArray(URL[]::new), Service.class.getClassLoader())) {
            return obstacle(Class.forName(name, false, loader), kinds);
        } catch (ClassNotFoundException e) {
            return "there is no class " + name + " on its class path; correct the name, or build it";
        } catch (LinkageError e) { // a class file of a newer Java, or of which a parent is missing
            return "class " + name + " cannot be loaded (" + e + "); build it again, or complete its class path";
        } catch (IOException e) {
            return null; // a jar that cannot be closed was read
        }
    }

    private static @Nullable String obstacle(Class<?> type, List<Class<?>> kinds) {
        if (kinds.stream().noneMatch(kind -> kind.isAssignableFrom(type))) {
            return "class " + type.getName() + " does not implement "
                    + kinds.stream().map(Class::getName).collect(Collectors.joining(" or "))
                    + "; have it do so, or start it by a command";
        }
        if (Modifier.isAbstract(type.getModifiers())) {
            return "class " + type.getName() + " is abstract; name one that extends it";
        }
        try {
            Constructor<?> _ = type.getDeclaredConstructor();
            return null;
        } catch (NoSuchMethodException e) {
            return "class " + type.getName() + " has no constructor without parameters; add one";
        }
    }

    private static URL url(Path part) {
        try {
            return part.toUri().toURL();
        } catch (MalformedURLException e) {
            throw new AssertionError("files have URLs", e);
        }
    }
}
