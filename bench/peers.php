<?php
// Renders a Yealink file with Smarty, compiled and warm. Prints JSON.
// usage: php peers.php TEMPLATE PHONES SECONDS FOLDER
require_once 'smarty4/Smarty.class.php';
[, $template, $phones, $seconds, $folder] = $argv;
$phones = json_decode(file_get_contents($phones), true);
$smarty = new Smarty();
$smarty->setTemplateDir(dirname($template));
$smarty->setCompileDir($folder);
$smarty->setCompileCheck(Smarty::COMPILECHECK_OFF);
$render = function ($p) use ($smarty, $template) {
    $smarty->assign($p);
    return $smarty->fetch(basename($template));
};
$first = $render($phones[0]);
$n = 0;
$start = microtime(true);
while (microtime(true) - $start < $seconds) {
    foreach ($phones as $p) {
        $render($p);
    }
    $n += count($phones);
}
echo json_encode(['files_per_second' => $n / (microtime(true) - $start), 'first' => $first]);
