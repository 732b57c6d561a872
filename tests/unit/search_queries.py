"""What readers type into the search box, and the one page that must come first.

Written before the ranking was tuned. HELD_OUT was never tuned to; its test prints how many
come first and asks for less.
"""

from __future__ import annotations

# (query, page, why this page)
ENGLISH = [
    ("entropy weight TOPSIS", "notebooks/index/by-hand", "computes both, step by step"),
    ("Malmquist index", "notebooks/tfp/malmquist", "the chapter on it"),
    ("spatial Durbin", "notebooks/dynamics/spillovers", "the model is estimated there"),
    ("club convergence", "notebooks/dynamics/convergence", "has the section on clubs"),
    ("specification curve", "notebooks/comparison/multiverse", "the chapter on it"),
    ("capital stock perpetual inventory", "notebooks/tfp/solow", "builds the stock"),
    ("Tibet missing data", "notebooks/data/quality", "lists every gap and its cause"),
    ("rank uncertainty", "notebooks/comparison/certainty", "the chapter on it"),
    ("add my own data", "book/extend", "tells how"),
    ("how to cite", "book/index", "the front page has the citation"),
    ("threshold regression", "notebooks/comparison/thresholds", "the chapter on it"),
    ("Dagum Gini", "notebooks/dynamics/gaps", "the decomposition is made there"),
    ("kernel density", "notebooks/dynamics/densities", "the chapter on it"),
    ("forecast 2025", "notebooks/dynamics/forecast", "the chapter on it"),
    ("instrumental variable", "notebooks/comparison/identification", "has the instruments"),
    ("Han 2024", "notebooks/studies/han-2024", "the study's chapter"),
    ("glossary", "book/glossary", "the page of that name"),
    ("green TFP", "notebooks/tfp/green", "the chapter on it"),
    ("projection pursuit", "notebooks/studies/li-li-2024", "the study that uses it"),
    ("coupling coordination", "notebooks/studies/zou-2024", "the study that uses it"),
]

CHINESE = [
    ("熵权法", "notebooks/index/by-hand", "computes the weights step by step"),
    ("全要素生产率", "notebooks/tfp/solow", "the chapter that builds it from GDP"),
    ("空间杜宾模型", "notebooks/dynamics/spillovers", "the model is estimated there"),
    ("门槛效应", "notebooks/comparison/thresholds", "the chapter on thresholds"),
    ("中介效应", "notebooks/comparison/thresholds", "the chapter on mediation, too"),
    ("收敛", "notebooks/dynamics/convergence", "the chapter on it"),
    ("马尔可夫链", "notebooks/dynamics/transitions", "the chapter on the chains"),
    ("障碍因子", "notebooks/studies/yang-hong-2024", "the study with obstacles"),
    ("投影寻踪", "notebooks/studies/li-li-2024", "the study that uses it"),
    ("耦合协调度", "notebooks/studies/zou-2024", "the study that uses it"),
    ("莫兰指数", "notebooks/dynamics/clusters", "computes it, globally and locally"),
    ("核密度估计", "notebooks/dynamics/densities", "the chapter on it"),
    ("数据缺失", "notebooks/data/quality", "lists every gap and its cause"),
    ("王珏", "notebooks/studies/wang-wang-2024", "the study's chapter"),
    ("韩文龙", "notebooks/studies/han-2024", "the study's chapter"),
    ("如何引用", "book/index", "the front page has the citation"),
    ("术语表", "book/glossary", "the page of that name"),
    ("预测", "notebooks/dynamics/forecast", "the chapter on it"),
    ("工具变量", "notebooks/comparison/identification", "has the instruments"),
    ("泰尔指数", "notebooks/dynamics/gaps", "the index is computed there"),
]

MIXED = [
    ("DEA 效率", "notebooks/tfp/malmquist", "efficiency by DEA is its subject"),
    ("TFP 增长", "notebooks/tfp/solow", "growth accounting"),
    ("熵权 TOPSIS", "notebooks/index/by-hand", "computes both, step by step"),
]

# For pages that were written after the lists above.
LATER = [
    ("download", "book/downloads", "the page of downloads"),
    ("下载数据", "book/downloads", "the page of downloads"),
    ("explorer", "notebooks/explore/explorer", "the page of that name"),
    ("Guangdong", "book/provinces/guangdong", "the province's page"),
    ("广东", "book/provinces/guangdong", "the province's page"),
    ("广东省", "book/provinces/guangdong", "the province's page"),
    ("Xizang", "book/provinces/tibet", "the official spelling of Tibet"),
    ("西藏", "book/provinces/tibet", "the province's page"),
    ("内蒙古自治区", "book/provinces/inner-mongolia", "the province's page"),
    ("双重差分", "notebooks/comparison/reform", "the chapter on it"),
    ("事件研究", "notebooks/comparison/reform", "has the event study"),
    ("平行趋势", "notebooks/comparison/reform", "teaches and tests them"),
    ("difference-in-differences", "notebooks/comparison/reform", "the chapter on it"),
    ("平减", "notebooks/data/quality", "the section on prices"),
    ("circularity", "notebooks/comparison/baseline", "teaches it, with the one exhibit"),
]

HELD_OUT = [
    ("stochastic frontier", "notebooks/tfp/frontier", "the chapter on it"),
    ("local Moran clusters", "notebooks/dynamics/clusters", "finds the clusters"),
    ("Sobol sensitivity", "notebooks/comparison/certainty", "has the indices"),
    ("Olley Pakes", "notebooks/tfp/firms", "estimates by their method"),
    ("low-altitude economy", "notebooks/dynamics/emerging", "an emerging field"),
    ("transition matrix", "notebooks/dynamics/transitions", "the chapter on it"),
    ("绿色全要素生产率", "notebooks/tfp/green", "the chapter on it"),
    ("规格曲线", "notebooks/comparison/multiverse", "the chapter on it"),
    ("固定效应", "notebooks/comparison/baseline", "the regression with fixed effects"),
    ("层次分析法", "notebooks/studies/lu-2024", "the study that uses it"),
]
