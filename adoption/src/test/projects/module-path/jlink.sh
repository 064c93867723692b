jlink --module-path target/shop.jar:target/lib --add-modules app --output target/image
target/image/bin/java --enable-native-access=dev.sennit -m app/shop.Main
